import { one, type Sql } from '../sql.ts'

type Counter = 'threat_events' | 'blocks'

/**
 * Counts up and answers where it stands. The row stays locked until the commit, so numbers become visible in
 * their order and without gaps: a reader who remembers the last one it saw misses none.
 */
export async function countUp(sql: Sql, name: Counter, by: number): Promise<number> {
  const row = await one(sql, 'UPDATE counters SET value = value + ? WHERE name = ? RETURNING value', [
    by,
    name,
  ])
  return row!.value as number
}

export async function countedUpTo(sql: Sql, name: Counter): Promise<number> {
  const row = await one(sql, 'SELECT value FROM counters WHERE name = ?', [name])
  return row!.value as number
}
