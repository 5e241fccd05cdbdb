import type { Enrolment, EnrolmentPort, EnrolmentStatus, FactorType } from '@sallyport/core'
import { changed, one, type Sql, type SqlRow, type SqlValue } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

const columns = `id, subject_id, factor, name, status, key_id, sealed, settings,
  created_at, confirmed_at, revoked_at, last_used_at, expires_at`

const active = "id = ? AND status = 'active'"

export function enrolmentPort(sql: Sql): EnrolmentPort {
  return {
    ...resealable(sql, { table: 'enrolments', id: 'id', subject: 'subject_id', purpose: 'factor' }),

    async insert(enrolment) {
      await sql.run(`INSERT INTO enrolments (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        enrolment.id,
        enrolment.subjectId,
        enrolment.factor,
        enrolment.name,
        enrolment.status,
        ...sealedValues(enrolment.sealed),
        JSON.stringify(enrolment.settings),
        enrolment.createdAt,
        enrolment.confirmedAt,
        enrolment.revokedAt,
        enrolment.lastUsedAt,
        enrolment.expiresAt,
      ])
    },

    async find(id) {
      const row = await one(sql, `SELECT ${columns} FROM enrolments WHERE id = ?`, [id])
      return row && toEnrolment(row)
    },

    async listBySubject(subjectId, { status, factor } = {}) {
      const where = ['subject_id = ?']
      const values: SqlValue[] = [subjectId]
      if (status !== undefined) {
        where.push('status = ?')
        values.push(status)
      }
      if (factor !== undefined) {
        where.push('factor = ?')
        values.push(factor)
      }
      const text = `SELECT ${columns} FROM enrolments WHERE ${where.join(' AND ')} ORDER BY created_at, id`
      return (await sql.all(text, values)).map(toEnrolment)
    },

    activate: (id, at, { sealed, settings }) =>
      changed(
        sql,
        `UPDATE enrolments SET status = 'active', confirmed_at = ?, expires_at = NULL,
         key_id = ?, sealed = ?, settings = ?
         WHERE id = ? AND status = 'pending' AND (expires_at IS NULL OR expires_at > ?)`,
        [at, ...sealedValues(sealed), JSON.stringify(settings), id, at],
      ),

    revoke: (id, at) =>
      changed(
        sql,
        `UPDATE enrolments SET status = 'revoked', revoked_at = ?, key_id = NULL, sealed = NULL
         WHERE id = ? AND status <> 'revoked'`,
        [at, id],
      ),

    rename: (id, name) => changed(sql, 'UPDATE enrolments SET name = ? WHERE id = ?', [name, id]),

    async lock(id, at) {
      const row = await one(sql, `SELECT settings FROM enrolments WHERE ${active}${sql.forUpdate}`, [id])
      const settings = row && JSON.parse(row.settings as string)
      if (!settings || settings.locked_at !== undefined) return false
      const values = [JSON.stringify({ ...settings, locked_at: at }), id]
      return changed(sql, `UPDATE enrolments SET settings = ? WHERE ${active}`, values)
    },

    async touch(id, at, settings) {
      if (settings === undefined) {
        return changed(sql, `UPDATE enrolments SET last_used_at = ? WHERE ${active}`, [at, id])
      }
      // Read under a lock: two uses at once must not lose each other's settings, nor outlive a revocation.
      const row = await one(sql, `SELECT settings FROM enrolments WHERE ${active}${sql.forUpdate}`, [id])
      if (!row) return false
      const merged = { ...JSON.parse(row.settings as string), ...settings }
      const values = [at, JSON.stringify(merged), id]
      return changed(sql, `UPDATE enrolments SET last_used_at = ?, settings = ? WHERE ${active}`, values)
    },
  }
}

function toEnrolment(row: SqlRow): Enrolment {
  return {
    id: row.id as string,
    subjectId: row.subject_id as string,
    factor: row.factor as FactorType,
    name: row.name as string,
    status: row.status as EnrolmentStatus,
    sealed: toSealed(row),
    settings: JSON.parse(row.settings as string),
    createdAt: row.created_at as number,
    confirmedAt: row.confirmed_at as number | null,
    revokedAt: row.revoked_at as number | null,
    lastUsedAt: row.last_used_at as number | null,
    expiresAt: row.expires_at as number | null,
  }
}
