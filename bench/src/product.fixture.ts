import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Harness, openHarness } from '../../test/support/harness.ts'
import { startPostgres } from '../../test/support/postgres.ts'

export interface Product extends Harness {
  /** A directory on the disk that the product writes to, or the URL of another database on its server. */
  beside: string
}

/** The product's parts as they are wired in the end-to-end tests, on an SQLite file of their own. */
export async function openOnSqlite(): Promise<Product> {
  const beside = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
  const product = await openHarness({ location: join(beside, 'sallyport.db') })
  const close = async () => {
    await product.close()
    await rm(beside, { recursive: true })
  }
  return { ...product, beside, close }
}

/** The same on a real PostgreSQL that waits for the disk. */
export async function openOnPostgres(): Promise<Product> {
  const server = await startPostgres({ durable: true })
  const product = await openHarness({ location: await server.url() })
  const close = async () => {
    await product.close()
    await server.stop()
  }
  return { ...product, beside: await server.url(), close }
}
