import type { DevicePort, TrustedDevice } from '@sallyport/core'
import { changed, one, pruneExpired, type Sql, type SqlRow } from '../sql.ts'

const columns = 'id, subject_id, browser, basis, address, created_at, last_used_at, expires_at, revoked_at'

export function devicePort(sql: Sql): DevicePort {
  const select = `SELECT ${columns} FROM devices`
  return {
    async insert(device) {
      await sql.run(`INSERT INTO devices (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        device.id,
        device.subjectId,
        device.browser,
        device.basis,
        device.address,
        device.createdAt,
        device.lastUsedAt,
        device.expiresAt,
        device.revokedAt,
      ])
    },

    async find(id) {
      const row = await one(sql, `${select} WHERE id = ?`, [id])
      return row && toDevice(row)
    },

    async listBySubject(subjectId, now) {
      const rows = await sql.all(
        `${select} WHERE subject_id = ? AND revoked_at IS NULL AND expires_at > ?
         ORDER BY created_at DESC, id DESC`,
        [subjectId, now],
      )
      return rows.map(toDevice)
    },

    touch: (id, { at, address }) =>
      changed(sql, 'UPDATE devices SET last_used_at = ?, address = ? WHERE id = ? AND revoked_at IS NULL', [
        at,
        address,
        id,
      ]),

    revoke: (id, at) =>
      changed(sql, 'UPDATE devices SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', [at, id]),

    revokeAll: (subjectId, at) =>
      sql.run('UPDATE devices SET revoked_at = ? WHERE subject_id = ? AND revoked_at IS NULL', [
        at,
        subjectId,
      ]),

    async insertToken({ hash, deviceId, usedAt }) {
      await sql.run('INSERT INTO device_tokens (hash, device_id, used_at) VALUES (?, ?, ?)', [
        hash,
        deviceId,
        usedAt,
      ])
    },

    async findToken(hash) {
      const row = await one(sql, 'SELECT hash, device_id, used_at FROM device_tokens WHERE hash = ?', [hash])
      return (
        row && {
          hash: row.hash as string,
          deviceId: row.device_id as string,
          usedAt: row.used_at as number | null,
        }
      )
    },

    useToken: (hash, at) =>
      changed(sql, 'UPDATE device_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL', [at, hash]),

    prune: (...bounds) => pruneExpired(sql, { table: 'devices', key: 'id' }, bounds),
  }
}

function toDevice(row: SqlRow): TrustedDevice {
  return {
    id: row.id as string,
    subjectId: row.subject_id as string,
    browser: row.browser as string,
    basis: row.basis as string,
    address: row.address as string | null,
    createdAt: row.created_at as number,
    lastUsedAt: row.last_used_at as number,
    expiresAt: row.expires_at as number,
    revokedAt: row.revoked_at as number | null,
  }
}
