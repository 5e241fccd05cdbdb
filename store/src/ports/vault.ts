import type { SecretPort, VaultKeyPort, VaultKeyStatus } from '@sallyport/core'
import { changed, one, type Sql } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

export function secretPort(sql: Sql): SecretPort {
  return {
    // The installation's own secrets belong to nobody: the vault binds them to their name alone.
    ...resealable(sql, { table: 'secrets', id: 'name', subject: `'installation'`, purpose: 'name' }),

    async find(name) {
      const row = await one(sql, 'SELECT key_id, sealed FROM secrets WHERE name = ?', [name])
      return row && toSealed(row)
    },

    insert: (name, sealed) =>
      changed(sql, 'INSERT INTO secrets (name, key_id, sealed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', [
        name,
        ...sealedValues(sealed),
      ]),
  }
}

export function vaultKeyPort(sql: Sql): VaultKeyPort {
  return {
    insert: ({ id, wrapped, status, createdAt, retiredAt }) =>
      changed(
        sql,
        `INSERT INTO vault_keys (id, wrapped, status, created_at, retired_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        [id, wrapped, status, createdAt, retiredAt],
      ),

    async list() {
      const rows = await sql.all(
        'SELECT id, wrapped, status, created_at, retired_at FROM vault_keys ORDER BY created_at, id',
      )
      return rows.map((row) => ({
        id: row.id as string,
        wrapped: row.wrapped as Uint8Array | null,
        status: row.status as VaultKeyStatus,
        createdAt: row.created_at as number,
        retiredAt: row.retired_at as number | null,
      }))
    },

    setStatus: (id, from, to, at) =>
      to === 'retired'
        ? changed(
            sql,
            'UPDATE vault_keys SET status = ?, retired_at = ?, wrapped = NULL WHERE id = ? AND status = ?',
            [to, at, id, from],
          )
        : changed(sql, 'UPDATE vault_keys SET status = ? WHERE id = ? AND status = ?', [to, id, from]),
  }
}
