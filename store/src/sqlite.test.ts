import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@sallyport/core'
import { afterAll, beforeAll } from 'vitest'
import { describeStoreContract } from './contract.ts'
import { createSqliteStore } from './sqlite.ts'

let directory: string
const opened: Store[] = []
let files = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-sqlite-'))
})

afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await rm(directory, { recursive: true })
})

async function open(path: string): Promise<Store> {
  const store = await createSqliteStore({ path, clock: { now: () => 1_700_000_000_000 } })
  opened.push(store)
  return store
}

describeStoreContract('SQLite', {
  fresh: () => open(join(directory, `${++files}.db`)),
  async pair() {
    const path = join(directory, `${++files}.db`)
    return [await open(path), await open(path)]
  },
})
