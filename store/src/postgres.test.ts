import type { Store } from '@sallyport/core'
import { afterAll, beforeAll } from 'vitest'
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts'
import { describeStoreContract } from './contract.ts'
import { createPostgresStore } from './postgres.ts'

let server: TestPostgres
const opened: Store[] = []

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await server.stop()
})

async function open(url: string): Promise<Store> {
  const clock = { now: () => 1_700_000_000_000 }
  // Far from the limits of production: a test machine under load is slow, not down.
  const store = await createPostgresStore({
    url,
    clock,
    connectTimeout: 20_000,
    statementTimeout: 20_000,
    maxConnections: 8,
  })
  opened.push(store)
  return store
}

describeStoreContract('PostgreSQL', {
  fresh: async () => open(await server.url()),
  async pair() {
    const url = await server.url()
    return [await open(url), await open(url)]
  },
})
