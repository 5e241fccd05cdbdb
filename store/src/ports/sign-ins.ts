import type { KeptSignIn, SignInPort } from '@sallyport/core'
import { changed, type Sql, type SqlRow } from '../sql.ts'

const columns = 'id, subject_id, at, network, place, device, score, reasons, completed_at'

export function signInPort(sql: Sql): SignInPort {
  return {
    async insert(signIn) {
      await sql.run(`INSERT INTO sign_ins (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        signIn.id,
        signIn.subjectId,
        signIn.at,
        signIn.network,
        signIn.place && JSON.stringify(signIn.place),
        signIn.device,
        signIn.score,
        JSON.stringify(signIn.reasons),
        signIn.completedAt,
      ])
    },

    complete: (id, at) =>
      changed(sql, 'UPDATE sign_ins SET completed_at = ? WHERE id = ? AND completed_at IS NULL', [at, id]),

    async listBySubject(subjectId, limit, filter) {
      const only = filter ? `AND completed_at IS ${filter.completed ? 'NOT ' : ''}NULL` : ''
      const rows = await sql.all(
        `SELECT ${columns} FROM sign_ins WHERE subject_id = ? ${only} ORDER BY at DESC, id DESC LIMIT ?`,
        [subjectId, limit],
      )
      return rows.map(toSignIn)
    },

    async trim(subjectId, { completed, begun }) {
      await dropAllBut(subjectId, 'completed_at IS NOT NULL', completed)
      await dropAllBut(subjectId, 'completed_at IS NULL', begun)
    },
  }

  function dropAllBut(subjectId: string, which: string, keep: number) {
    return sql.run(
      `DELETE FROM sign_ins WHERE subject_id = ? AND ${which} AND id NOT IN (
         SELECT id FROM sign_ins WHERE subject_id = ? AND ${which} ORDER BY at DESC, id DESC LIMIT ?)`,
      [subjectId, subjectId, keep],
    )
  }
}

function toSignIn(row: SqlRow): KeptSignIn {
  return {
    id: row.id as string,
    subjectId: row.subject_id as string,
    at: row.at as number,
    network: row.network as string,
    place: row.place === null ? null : (JSON.parse(row.place as string) as KeptSignIn['place']),
    device: row.device as string,
    score: row.score as number,
    reasons: JSON.parse(row.reasons as string) as KeptSignIn['reasons'],
    completedAt: row.completed_at as number | null,
  }
}
