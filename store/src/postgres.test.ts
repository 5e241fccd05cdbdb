import type { Store } from '@sallyport/core'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts'
import { describeStoreContract } from './contract.ts'
import { createPostgresStore } from './postgres-store.ts'

let server: TestPostgres
let database: string
let client: pg.Client
let schemas = 0
const opened: Store[] = []

beforeAll(async () => {
  server = await startPostgres()
  database = await server.url()
  client = new pg.Client(database)
  await client.connect()
})

afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await client.end()
  await server.stop()
})

/** A schema of its own is as good as a database nobody used, and much sooner made. */
async function freshUrl(): Promise<string> {
  const name = `test_${++schemas}`
  await client.query(`CREATE SCHEMA ${name}`)
  return `${database}?options=${encodeURIComponent(`-c search_path=${name}`)}`
}

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
  fresh: async () => open(await freshUrl()),
  async pair() {
    const url = await freshUrl()
    return [await open(url), await open(url)]
  },
})
