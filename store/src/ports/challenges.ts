import type { Challenge, ChallengePort, FactorType, SealedSecret } from '@sallyport/core'
import { changed, count, one, pruneExpired, type Sql, type SqlRow } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

const columns = 'id, subject_id, factor, key_id, sealed, created_at, expires_at, tries_left, ended_at'

export function challengePort(sql: Sql): ChallengePort {
  return {
    ...resealable(sql, {
      table: 'challenges',
      id: 'id',
      subject: 'subject_id',
      purpose: `'challenge'`,
    }),

    async open(challenge) {
      const { id, subjectId, factor, sealed, createdAt, expiresAt, triesLeft, endedAt } = challenge
      // An index lets one be open. When another caller's comes between the two statements, the second
      // waits for that caller to commit and takes nothing; then that one is voided as well.
      for (let opened = false; !opened; ) {
        await sql.run(
          'UPDATE challenges SET ended_at = ? WHERE subject_id = ? AND factor = ? AND ended_at IS NULL',
          [createdAt, subjectId, factor],
        )
        opened = await changed(
          sql,
          `INSERT INTO challenges (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (subject_id, factor) WHERE ended_at IS NULL DO NOTHING`,
          [id, subjectId, factor, ...sealedValues(sealed), createdAt, expiresAt, triesLeft, endedAt],
        )
      }
    },

    async live(subjectId, factor, now) {
      const row = await one(
        sql,
        `SELECT ${columns} FROM challenges WHERE subject_id = ? AND factor = ? AND ended_at IS NULL
         AND expires_at > ? AND tries_left > 0`,
        [subjectId, factor, now],
      )
      return row && toChallenge(row)
    },

    takeTry: (id) =>
      changed(
        sql,
        `UPDATE challenges SET tries_left = tries_left - 1
         WHERE id = ? AND tries_left > 0 AND ended_at IS NULL`,
        [id],
      ),

    end: (id, at) =>
      changed(sql, 'UPDATE challenges SET ended_at = ? WHERE id = ? AND ended_at IS NULL', [at, id]),

    countSince: (subjectId, factor, since) =>
      count(
        sql,
        `SELECT count(*) AS count FROM challenges WHERE subject_id = ? AND factor = ? AND created_at >= ?`,
        [subjectId, factor, since],
      ),

    prune: (...bounds) => pruneExpired(sql, { table: 'challenges', key: 'id' }, bounds),
  }
}

function toChallenge(row: SqlRow): Challenge {
  return {
    id: row.id as string,
    subjectId: row.subject_id as string,
    factor: row.factor as FactorType,
    sealed: toSealed(row) as SealedSecret,
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
    triesLeft: row.tries_left as number,
    endedAt: row.ended_at as number | null,
  }
}
