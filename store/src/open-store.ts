import type { Clock, Store } from '@sallyport/core'
import { createPostgresStore } from './postgres-store.ts'
import { createSqliteStore } from './sqlite.ts'

/** `location` is the URL of a PostgreSQL database, or the path of an SQLite file. */
export function openStore({ location, clock }: { location: string; clock: Clock }): Promise<Store> {
  return /^postgres(ql)?:\/\//.test(location)
    ? createPostgresStore({ url: location, clock })
    : createSqliteStore({ path: location, clock })
}
