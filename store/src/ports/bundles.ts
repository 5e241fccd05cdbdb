import type { BundlePort, BundleSecret, SealedSecret } from '@sallyport/core'
import { changed, one, type Sql, type SqlRow } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

const columns = 'id, device, technician, factor, key_id, sealed, created_at'

export function bundlePort(sql: Sql): BundlePort {
  return {
    ...resealable(sql, {
      ...{ table: 'bundle_secrets', id: 'id', subject: "'gate ' || device" },
      purpose: "factor || ' of ' || technician",
    }),

    async findDevice(id) {
      const text = 'SELECT public_key, serial, issued_at FROM bundle_devices WHERE device = ?'
      const row = await one(sql, text, [id])
      return (
        row && {
          ...{ id, publicKey: row.public_key as string },
          ...{ serial: row.serial as number, issuedAt: row.issued_at as number },
        }
      )
    },

    async nextSerial({ id, publicKey, atLeast, at }) {
      const row = await one(
        sql,
        `INSERT INTO bundle_devices (device, public_key, serial, issued_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (device) DO UPDATE SET issued_at = excluded.issued_at, serial =
           CASE WHEN bundle_devices.serial < excluded.serial THEN excluded.serial ELSE bundle_devices.serial + 1 END
         WHERE bundle_devices.public_key = excluded.public_key
         RETURNING serial`,
        [id, publicKey, atLeast, at],
      )
      return row && (row.serial as number)
    },

    async replaceDevice(id, publicKey) {
      const text = 'UPDATE bundle_devices SET public_key = ? WHERE device = ? AND public_key <> ?'
      if (!(await changed(sql, text, [publicKey, id, publicKey]))) return false
      await sql.run('DELETE FROM bundle_secrets WHERE device = ?', [id])
      return true
    },

    insert: ({ id, device, technician, factor, sealed, createdAt }) =>
      changed(
        sql,
        `INSERT INTO bundle_secrets (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [id, device, technician, factor, ...sealedValues(sealed), createdAt],
      ),

    async list(device) {
      const text = `SELECT ${columns} FROM bundle_secrets WHERE device = ? ORDER BY created_at, id`
      return (await sql.all(text, [device])).map(toSecret)
    },

    remove: (id) => changed(sql, 'DELETE FROM bundle_secrets WHERE id = ?', [id]),
  }
}

function toSecret(row: SqlRow): BundleSecret {
  return {
    ...{ id: row.id as string, device: row.device as string, technician: row.technician as string },
    factor: row.factor as BundleSecret['factor'],
    sealed: toSealed(row) as SealedSecret,
    createdAt: row.created_at as number,
  }
}
