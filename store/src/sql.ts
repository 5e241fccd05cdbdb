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
  /** Ends a select whose rows nobody else may change before this transaction ends. */
  readonly forUpdate: '' | ' FOR UPDATE'
}

export async function one(sql: Sql, text: string, values: readonly SqlValue[]): Promise<SqlRow | null> {
  const rows = await sql.all(text, values)
  return rows[0] ?? null
}

export async function changed(sql: Sql, text: string, values: readonly SqlValue[]): Promise<boolean> {
  return (await sql.run(text, values)) > 0
}

export async function count(sql: Sql, text: string, values: readonly SqlValue[]): Promise<number> {
  const row = await one(sql, text, values)
  return row?.count as number
}
