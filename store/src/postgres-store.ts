import type { Store } from '@sallyport/core'
import type { PostgresOptions } from './postgres.ts'

/** Loads the driver with the first store that needs it: an installation on SQLite never does. */
export async function createPostgresStore(options: PostgresOptions): Promise<Store> {
  const { openPostgresStore } = await import('./postgres.ts')
  return openPostgresStore(options)
}
