import type { OncePort } from '@sallyport/core'
import { changed, count, type Sql } from '../sql.ts'

export function oncePort(sql: Sql): OncePort {
  return {
    spend: (key) => changed(sql, 'INSERT INTO spent (key) VALUES (?) ON CONFLICT (key) DO NOTHING', [key]),

    raise: (key, value) =>
      changed(
        sql,
        `INSERT INTO raised (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE excluded.value > raised.value`,
        [key, value],
      ),

    // The last code point there is ends the range: `spent.key` is compared byte by byte on both databases.
    countSpent: (prefix) =>
      count(sql, 'SELECT count(*) AS count FROM spent WHERE key >= ? AND key < ?', [
        prefix,
        `${prefix}\u{10ffff}`,
      ]),
  }
}
