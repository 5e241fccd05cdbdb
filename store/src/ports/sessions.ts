import type { RefreshToken, RefreshTokenPort, Session, SessionPort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, one, pruneExpired, type Sql, type SqlRow } from '../sql.ts'

const columns = `id, subject_id, kind, created_at, expires_at, auth_time, proved_at, factors,
  address, user_agent, revoked_at`

export function sessionPort(sql: Sql): SessionPort {
  const select = `SELECT ${columns} FROM sessions`
  return {
    async insert(session) {
      await sql.run(`INSERT INTO sessions (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        session.id,
        session.subjectId,
        session.kind,
        session.createdAt,
        session.expiresAt,
        session.authTime,
        session.provedAt,
        JSON.stringify(session.factors),
        session.address,
        session.userAgent,
        session.revokedAt,
      ])
    },

    async find(id) {
      const row = await one(sql, `${select} WHERE id = ?`, [id])
      return row && toSession(row)
    },

    async listBySubject(subjectId, now) {
      const rows = await sql.all(
        `${select} WHERE subject_id = ? AND revoked_at IS NULL AND expires_at > ?
         ORDER BY created_at DESC, id DESC`,
        [subjectId, now],
      )
      return rows.map(toSession)
    },

    list: (now, page) =>
      selectPage(sql, page, {
        select,
        where: ['subject_id IS NOT NULL', 'revoked_at IS NULL', 'expires_at > ?'],
        values: [now],
        order: ['created_at', 'id'],
        map: toSession,
      }),

    prove: (id, { at, factors }) =>
      changed(
        sql,
        `UPDATE sessions SET proved_at = ?, factors = ?
         WHERE id = ? AND revoked_at IS NULL AND expires_at > ?`,
        [at, JSON.stringify(factors), id, at],
      ),

    promote: (id) =>
      changed(
        sql,
        `UPDATE sessions SET kind = 'full' WHERE id = ? AND kind = 'enrolling' AND revoked_at IS NULL`,
        [id],
      ),

    revoke: (id, at) =>
      changed(sql, 'UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', [at, id]),

    async revokeAll(subjectId, at, except) {
      // Expired ones too, untold: to a clock that is behind they would still be in force.
      const rows = await sql.all(
        `UPDATE sessions SET revoked_at = ? WHERE subject_id = ? AND id <> ? AND revoked_at IS NULL
         RETURNING id, expires_at`,
        [at, subjectId, except ?? ''],
      )
      return rows.filter((row) => (row.expires_at as number) > at).map((row) => row.id as string)
    },

    async revokedSince(since) {
      const rows = await sql.all('SELECT id FROM sessions WHERE revoked_at >= ?', [since])
      return rows.map((row) => row.id as string)
    },

    prune: (...bounds) => pruneExpired(sql, { table: 'sessions', key: 'id' }, bounds),
  }
}

export function refreshTokenPort(sql: Sql): RefreshTokenPort {
  return {
    async insert({ hash, sessionId, createdAt, expiresAt, usedAt }) {
      await sql.run(
        `INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at, used_at)
         VALUES (?, ?, ?, ?, ?)`,
        [hash, sessionId, createdAt, expiresAt, usedAt],
      )
    },

    async find(hash) {
      const row = await one(
        sql,
        'SELECT hash, session_id, created_at, expires_at, used_at FROM refresh_tokens WHERE hash = ?',
        [hash],
      )
      return row && toRefreshToken(row)
    },

    use: (hash, at) =>
      changed(sql, 'UPDATE refresh_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL', [at, hash]),

    removeAll: (sessionId) => sql.run('DELETE FROM refresh_tokens WHERE session_id = ?', [sessionId]),

    prune: (...bounds) => pruneExpired(sql, { table: 'refresh_tokens', key: 'hash' }, bounds),
  }
}

function toSession(row: SqlRow): Session {
  return {
    id: row.id as string,
    subjectId: (row.subject_id as string | null) ?? '',
    kind: row.kind as Session['kind'],
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    authTime: row.auth_time as number,
    provedAt: row.proved_at as number | null,
    factors: JSON.parse(row.factors as string),
    address: row.address as string | null,
    userAgent: row.user_agent as string | null,
    revokedAt: row.revoked_at as number | null,
  }
}

function toRefreshToken(row: SqlRow): RefreshToken {
  return {
    hash: row.hash as string,
    sessionId: row.session_id as string,
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    usedAt: row.used_at as number | null,
  }
}
