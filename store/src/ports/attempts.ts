import type { AttemptPort } from '@sallyport/core'
import { changed, one, type Sql } from '../sql.ts'

export function attemptPort(sql: Sql): AttemptPort {
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

    replace: (attempt) =>
      changed(
        sql,
        'UPDATE attempts SET revision = ?, expires_at = ?, body = ? WHERE id = ? AND revision = ?',
        [attempt.revision, attempt.expiresAt, JSON.stringify(attempt), attempt.id, attempt.revision - 1],
      ),

    prune: (before, limit) =>
      sql.run(
        `DELETE FROM attempts WHERE id IN
         (SELECT id FROM attempts WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`,
        [before, limit],
      ),
  }
}
