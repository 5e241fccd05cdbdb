import type { Attempt, AttemptPort } from '@sallyport/core'
import { changed, one, pruneExpired, type Sql } from '../sql.ts'

export function attemptPort(sql: Sql): AttemptPort {
  const replace = (attempt: Attempt) =>
    changed(sql, 'UPDATE attempts SET revision = ?, body = ? WHERE id = ? AND revision = ?', [
      attempt.revision,
      JSON.stringify(attempt),
      attempt.id,
      attempt.revision - 1,
    ])
  return {
    async insert(attempt) {
      await sql.run(
        'INSERT INTO attempts (id, subject_id, revision, expires_at, body) VALUES (?, ?, ?, ?, ?)',
        [attempt.id, attempt.subjectId, attempt.revision, attempt.expiresAt, JSON.stringify(attempt)],
      )
    },

    async find(id) {
      const row = await one(sql, 'SELECT body FROM attempts WHERE id = ?', [id])
      return row && JSON.parse(row.body as string)
    },

    replace,

    async refuseAll(subjectId, except) {
      // Read under a lock: an attempt that advances at this moment must not get away.
      const rows = await sql.all(
        `SELECT body FROM attempts WHERE subject_id = ? AND id <> ? ORDER BY id${sql.forUpdate}`,
        [subjectId, except ?? ''],
      )
      let refused = 0
      for (const row of rows) {
        const attempt: Attempt = JSON.parse(row.body as string)
        if (attempt.status !== 'pending') continue
        const ended = { ...attempt, status: 'refused', revision: attempt.revision + 1 } as const
        if (await replace(ended)) refused++
      }
      return refused
    },

    prune: (...bounds) => pruneExpired(sql, { table: 'attempts', key: 'id' }, bounds),
  }
}
