import type { GuessPort } from '@sallyport/core'
import { changed, one, type Sql, type SqlRow } from '../sql.ts'

export function guessPort(sql: Sql): GuessPort {
  const find: GuessPort['find'] = async (key) =>
    toRecord(await one(sql, 'SELECT record FROM guesses WHERE key = ?', [key]))
  return {
    /**
     * Where transactions that write run one after the other, reading is enough, and a refused guess costs
     * no write. Elsewhere one statement makes the row if there is none and locks it if there is one, so the
     * very first guesses are counted one by one as well. A row without a record stands for "none yet".
     */
    async lock(key) {
      if (!sql.forUpdate) return find(key)
      return toRecord(
        await one(
          sql,
          `INSERT INTO guesses (key, record) VALUES (?, NULL)
           ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING record`,
          [key],
        ),
      )
    },

    find,

    async save(key, record) {
      await sql.run(
        `INSERT INTO guesses (key, record) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET record = excluded.record`,
        [key, JSON.stringify(record)],
      )
    },

    clear: (key) => changed(sql, 'DELETE FROM guesses WHERE key = ? AND record IS NOT NULL', [key]),
  }
}

function toRecord(row: SqlRow | null) {
  return row?.record ? JSON.parse(row.record as string) : null
}
