import { SallyportError } from '@sallyport/core'
import { type Migration, migrations, type SchemaDialect } from './migrations.ts'
import { one, type Sql } from './sql.ts'

export interface Migrating {
  /** A transaction that no other process migrates beside. */
  sql: Sql
  dialect: SchemaDialect
  now: number
  /** Another list than the released one, for tests. */
  list?: readonly Migration[]
}

/** Brings the schema up to this version of the code, inside the transaction it is given. */
export async function migrate({ sql, dialect, now, list = migrations }: Migrating): Promise<void> {
  const { integer, table } = dialect
  await sql.run(
    `CREATE TABLE IF NOT EXISTS schema_migrations
     (version ${integer} PRIMARY KEY, applied_at ${integer} NOT NULL)${table}`,
  )
  const applied = await one(sql, 'SELECT max(version) AS version FROM schema_migrations', [])
  const stored = (applied?.version as number | null) ?? 0
  const newest = newestVersion(list)
  if (stored > newest) {
    throw new SallyportError(
      'store_schema_newer',
      `the database has schema version ${stored}, this program knows versions up to ${newest}: start the newer program`,
    )
  }
  for (const { version, statements } of list.filter((migration) => migration.version > stored)) {
    for (const statement of statements(dialect)) await sql.run(statement)
    await sql.run('INSERT INTO schema_migrations (version, applied_at) VALUES (?, ?)', [version, now])
  }
}

export function newestVersion(list: readonly Migration[]): number {
  return list.at(-1)!.version
}

/** What shows that the database can be written and read. */
export const recordCheck = 'UPDATE health SET checked_at = ? WHERE id = 1'
export const lastCheck = 'SELECT checked_at FROM health WHERE id = 1'
