import type { OutboxPort, OutboxRow, SealedSecret } from '@sallyport/core'
import { changed, count, type Sql, type SqlRow } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

const columns = 'id, subject_id, key_id, sealed, created_at, due_at, expires_at, failures'

export function outboxPort(sql: Sql): OutboxPort {
  const skipLocked = sql.forUpdate && ' FOR UPDATE SKIP LOCKED'
  return {
    ...resealable(sql, { table: 'outbox', id: 'id', subject: `'outbox'`, purpose: `'letter'` }),

    async insert({ id, subjectId, sealed, createdAt, dueAt, expiresAt, failures }) {
      await sql.run(`INSERT INTO outbox (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
        id,
        subjectId,
        ...sealedValues(sealed),
        createdAt,
        dueAt,
        expiresAt,
        failures,
      ])
    },

    async claim(now, until, limit) {
      // Claimed rows are due again at `until`: those of a claimer that died come back by themselves.
      // The list is materialised since a plan that asked for it twice would claim more than `limit`.
      const rows = await sql.all(
        `WITH due AS MATERIALIZED (
           SELECT id FROM outbox WHERE due_at <= ? ORDER BY created_at, id LIMIT ?${skipLocked}
         )
         UPDATE outbox SET due_at = ? WHERE id IN (SELECT id FROM due) RETURNING ${columns}`,
        [now, limit, until],
      )
      return rows.map(toRow).sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    },

    remove: (id) => changed(sql, 'DELETE FROM outbox WHERE id = ?', [id]),

    postpone: (id, dueAt) =>
      changed(sql, 'UPDATE outbox SET due_at = ?, failures = failures + 1 WHERE id = ?', [dueAt, id]),

    count: () => count(sql, 'SELECT count(*) AS count FROM outbox', []),
  }
}

function toRow(row: SqlRow): OutboxRow {
  return {
    id: row.id as string,
    subjectId: row.subject_id as string | null,
    sealed: toSealed(row) as SealedSecret,
    createdAt: row.created_at as number,
    dueAt: row.due_at as number,
    expiresAt: row.expires_at as number,
    failures: row.failures as number,
  }
}
