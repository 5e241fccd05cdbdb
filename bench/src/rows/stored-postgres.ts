import pg from 'pg'
import type { Row } from '../harness.ts'
import { openOnPostgres } from '../product.fixture.ts'
import { byCallers, claimsPerCommit, wholePath } from './stored.ts'

/** Against the least that durability costs: one insert that commits by itself, on the same server. */
export function storedPostgresRow(): Row {
  return {
    name: 'stored-postgres',
    title: 'second-factor verification, stored, on PostgreSQL',
    async prepare() {
      const product = await openOnPostgres()
      // As many connections as ours has.
      const pool = new pg.Pool({ connectionString: product.beside, max: 10 })
      // end() does not wait for the goodbyes: the server may be stopped before it has heard them.
      pool.on('error', () => undefined)
      pool.on('connect', (client) => client.on('error', () => undefined))
      await pool.query('CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, body TEXT NOT NULL)')
      const insert = {
        name: 'insert',
        text: 'INSERT INTO bare (body) VALUES ($1)',
        values: ['x'.repeat(100)],
      }
      const contenders = [
        ...(await wholePath(product)),
        ...byCallers('bare commit', async () => void (await pool.query(insert))),
      ]
      const close = async () => {
        await pool.end()
        await product.close()
      }
      return { contenders, claims: claimsPerCommit('bare commit'), close }
    },
  }
}
