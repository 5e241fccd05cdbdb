import type { Ticket, TicketPort } from '@sallyport/core'
import { one, pruneExpired, type Sql, type SqlRow } from '../sql.ts'

const columns = 'hash, purpose, subject_id, issued_by, reason, created_at, expires_at, used_at'

export function ticketPort(sql: Sql): TicketPort {
  return {
    async insert({ hash, purpose, subjectId, issuedBy, reason, createdAt, expiresAt, usedAt }) {
      await sql.run(`INSERT INTO tickets (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
        hash,
        purpose,
        subjectId,
        issuedBy,
        reason,
        createdAt,
        expiresAt,
        usedAt,
      ])
    },

    async find(hash) {
      const row = await one(sql, `SELECT ${columns} FROM tickets WHERE hash = ?`, [hash])
      return row && toTicket(row)
    },

    async redeem(hash, purpose, at) {
      const row = await one(
        sql,
        `UPDATE tickets SET used_at = ? WHERE hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?
         RETURNING ${columns}`,
        [at, hash, purpose, at],
      )
      return row && toTicket(row)
    },

    async voidAll(subjectId, purpose, at) {
      const [whose, values] = subjectId === null ? ['IS NULL', []] : ['= ?', [subjectId]]
      // Expired ones too, uncounted: to a clock that is behind they would still be open.
      const rows = await sql.all(
        `UPDATE tickets SET used_at = ? WHERE purpose = ? AND used_at IS NULL AND subject_id ${whose}
         RETURNING expires_at`,
        [at, purpose, ...values],
      )
      return rows.filter((row) => (row.expires_at as number) > at).length
    },

    prune: (...bounds) => pruneExpired(sql, { table: 'tickets', key: 'hash' }, bounds),
  }
}

function toTicket(row: SqlRow): Ticket {
  return {
    hash: row.hash as string,
    purpose: row.purpose as Ticket['purpose'],
    subjectId: row.subject_id as string | null,
    issuedBy: row.issued_by as string,
    reason: row.reason as string | null,
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    usedAt: row.used_at as number | null,
  }
}
