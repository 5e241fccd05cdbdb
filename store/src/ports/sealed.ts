import type { Resealable, SealedSecret } from '@sallyport/core'
import { changed, count, type Sql, type SqlRow, type SqlValue } from '../sql.ts'

interface SealedTable {
  table:
    | 'enrolments'
    | 'secrets'
    | 'challenges'
    | 'outbox'
    | 'yubikeys'
    | 'validation_clients'
    | 'bundle_secrets'
  id: string
  /** What the secret is bound to, as SQL: the vault's associated data. */
  subject: string
  purpose: string
}

/** The part of a port that key rotation uses, the same for every table with sealed secrets. */
export function resealable(sql: Sql, { table, id, subject, purpose }: SealedTable): Resealable {
  return {
    async sealedUnderOtherKeys(keyId, limit) {
      // Two ranges rather than `<>`: an index serves them, however few rows are left to re-seal.
      const rows = await sql.all(
        `SELECT ${id} AS id, ${subject} AS subject, ${purpose} AS purpose, key_id, sealed FROM ${table}
         WHERE key_id < ? OR key_id > ? LIMIT ?`,
        [keyId, keyId, limit],
      )
      return rows.map((row) => ({
        id: row.id as string,
        subject: row.subject as string,
        purpose: row.purpose as string,
        sealed: toSealed(row) as SealedSecret,
      }))
    },

    reseal: (rowId, from, sealed) =>
      changed(sql, `UPDATE ${table} SET key_id = ?, sealed = ? WHERE ${id} = ? AND key_id = ?`, [
        ...sealedValues(sealed),
        rowId,
        from,
      ]),

    countSealedUnder: (keyId) =>
      count(sql, `SELECT count(*) AS count FROM ${table} WHERE key_id = ?`, [keyId]),
  }
}

/** For the columns `key_id, sealed`. */
export function sealedValues(sealed: SealedSecret | null): [SqlValue, SqlValue] {
  return sealed ? [sealed.keyId, sealed.bytes] : [null, null]
}

export function toSealed(row: SqlRow): SealedSecret | null {
  return row.key_id === null ? null : { keyId: row.key_id as string, bytes: row.sealed as Uint8Array }
}
