/** A value as it goes into a statement. Booleans and dates never do: times are integers. */
export type SqlValue = string | number | null | Uint8Array

/** A row as both drivers return it: integers as numbers, bytes as a plain `Uint8Array`. */
export type SqlRow = Record<string, SqlValue>

/**
 * What the ports need of a database: statements with `?` placeholders, inside one transaction.
 * Statement texts are constant (or one of a few), so that a driver prepares each of them once.
 */
export interface Sql {
  all(text: string, values?: readonly SqlValue[]): Promise<SqlRow[]>
  /** How many rows were written. */
  run(text: string, values?: readonly SqlValue[]): Promise<number>
  /**
   * Ends a select whose rows nobody else may change before this transaction ends. Empty where
   * transactions that write run one after the other anyway.
   */
  readonly forUpdate: '' | ' FOR UPDATE'
}

export async function one(sql: Sql, text: string, values: readonly SqlValue[]): Promise<SqlRow | null> {
  const rows = await sql.all(text, values)
  return rows[0] ?? null
}

export async function changed(sql: Sql, text: string, values: readonly SqlValue[]): Promise<boolean> {
  return (await sql.run(text, values)) > 0
}

interface Updatable<Key extends string> {
  table: string
  key: string
  /** The column of each field that may change. */
  columns: Readonly<Record<Key, string>>
}

/** Changes only the fields that are named; `true` when the row is there. */
export function updateNamed<Key extends string>(
  sql: Sql,
  { table, key, columns }: Updatable<Key>,
  [id, change]: readonly [string, { readonly [Name in Key]?: SqlValue | undefined }],
): Promise<boolean> {
  const named = (Object.keys(columns) as Key[]).filter((name) => change[name] !== undefined)
  const set = [`${key} = ${key}`, ...named.map((name) => `${columns[name]} = ?`)].join(', ')
  const values = named.map((name) => change[name] as SqlValue)
  return changed(sql, `UPDATE ${table} SET ${set} WHERE ${key} = ?`, [...values, id])
}

/** Deletes what expired before `before`, no more than `limit` rows at a time. */
export function pruneExpired(
  sql: Sql,
  { table, key }: { table: string; key: 'id' | 'hash' },
  [before, limit]: readonly [number, number],
): Promise<number> {
  return sql.run(
    `DELETE FROM ${table} WHERE ${key} IN
     (SELECT ${key} FROM ${table} WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`,
    [before, limit],
  )
}

export async function count(sql: Sql, text: string, values: readonly SqlValue[]): Promise<number> {
  const row = await one(sql, text, values)
  return row?.count as number
}
