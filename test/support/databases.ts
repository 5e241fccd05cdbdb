import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from './postgres.ts'

/** Where a database is that nobody used before, and how to be rid of it. */
export interface Place {
  location: string
  remove(): Promise<void>
}

/** What every promise is proved on: for `describe.each`. */
export const databases = [
  { database: 'SQLite', open: openSqlite, processes: 2 },
  { database: 'PostgreSQL', open: openPostgres, processes: 3 },
]

export async function openSqlite(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-test-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  return { location: join(directory, 'sallyport.db'), remove }
}

async function openPostgres(): Promise<Place> {
  const server = await startPostgres()
  return { location: await server.url(), remove: () => server.stop() }
}
