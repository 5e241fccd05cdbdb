import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts'
import { killStreamingNode, raceNodes } from './contract/nodes.ts'
import { fakeLinker, record } from './contract/samples.ts'
import { migrations } from './migrations.ts'
import { createPostgresStore } from './postgres-store.ts'

const clock = { now: () => 1_700_000_000_000 }
let server: TestPostgres

beforeAll(async () => {
  server = await startPostgres({ durable: true })
})
afterAll(() => server.stop())

/** Another program's hand on the database. */
async function byHand(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client(url)
  await client.connect()
  return client.query(text).finally(() => client.end())
}

describe('starting', () => {
  it('migrates once when five processes start, migrate and spend at the same moment', async () => {
    const url = await server.url()
    const won = await raceNodes(url, 5)
    expect(won.reduce((sum, part) => sum + part, 0)).toBe(64)
    const { rows } = await byHand(url, 'SELECT version FROM schema_migrations')
    expect(rows).toHaveLength(migrations.length)
  })

  it('refuses a schema that a newer program made, naming both versions', async () => {
    const url = await server.url()
    await (await createPostgresStore({ url, clock })).close()
    await byHand(url, 'INSERT INTO schema_migrations VALUES (99, 0)')
    const opening = createPostgresStore({ url, clock })
    await expect(opening).rejects.toMatchObject({ code: 'store_schema_newer' })
    await expect(opening).rejects.toThrow(new RegExp(`99.*${migrations.length}`))
  })

  it('leaves nothing half-done when a migration fails', async () => {
    const url = await server.url()
    const broken = [
      ...migrations,
      { version: 99, statements: () => ['CREATE TABLE halfway (a INT)', 'nonsense'] },
    ]
    await expect(createPostgresStore({ url, clock, migrations: broken })).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    const { rows } = await byHand(
      url,
      `SELECT to_regclass('halfway') AS halfway, to_regclass('settings') AS settings`,
    )
    expect(rows).toEqual([{ halfway: null, settings: null }])
    await (await createPostgresStore({ url, clock })).close()
  })

  it('says so, and shows no password, when there is no server or the URL is none', async () => {
    const nowhere = createPostgresStore({ url: 'postgres://u:hunter2@127.0.0.1:1/x', clock })
    await expect(nowhere).rejects.toMatchObject({ code: 'store_unavailable', cause: expect.any(Error) })
    expect(inspect(await nowhere.catch((reason) => reason))).not.toContain('hunter2')
    const unreadable = createPostgresStore({ url: 'postgres://u:hunter2@host:port/x', clock })
    const error = await unreadable.catch((reason) => reason)
    expect([error.code, error.cause]).toEqual(['config_invalid', undefined])
    expect(inspect(error)).not.toContain('hunter2')
  })
})

describe('running', () => {
  it('loses nothing that was answered when the process is killed', async () => {
    const url = await server.url()
    const told = await killStreamingNode(url, 20)
    expect(told).toBeGreaterThanOrEqual(20)
    const store = await createPostgresStore({ url, clock })
    const spent = await store.read(({ once }) => once.countSpent('stream:'))
    expect([told, told + 1]).toContain(spent)
    await store.close()
  })

  it('waits for the disk at each commit, though the server is set not to', async () => {
    const url = await server.url()
    await (await createPostgresStore({ url, clock })).close()
    await byHand(
      url,
      `ALTER ROLE postgres IN DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off;
       CREATE FUNCTION probe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO settings VALUES ('seen', current_setting('synchronous_commit')); RETURN NEW;
       END $$;
       CREATE TRIGGER probe AFTER INSERT ON spent FOR EACH ROW EXECUTE FUNCTION probe()`,
    )
    const store = await createPostgresStore({ url, clock })
    await store.transaction(({ once }) => once.spend('probe'))
    expect(await store.read(({ settings }) => settings.find('seen'))).toBe('on')
    await store.close()
  })

  it('runs work again when the database asks for it', async () => {
    const store = await createPostgresStore({ url: await server.url(), clock })
    let runs = 0
    let bothHold = () => {}
    const holding = new Promise<void>((resolve) => {
      bothHold = resolve
    })
    // Each takes one key and then wants the other's: a deadlock, which PostgreSQL ends by failing one.
    const crossed = (first: string, second: string) =>
      store.transaction(async ({ guesses }) => {
        await guesses.lock(first)
        if (++runs === 2) bothHold()
        await holding
        await guesses.lock(second)
      })
    await Promise.all([crossed('a', 'b'), crossed('b', 'a')])
    expect(runs).toBe(3)
    await store.close()
  })

  it('gives up on a lock that another holds too long, and has no connection too few after it', async () => {
    const url = await server.url()
    const store = await createPostgresStore({ url, clock, statementTimeout: 200, maxConnections: 2 })
    const other = new pg.Client(url)
    await other.connect()
    await other.query(`BEGIN; INSERT INTO spent (key) VALUES ('held')`)
    const spends = Array.from({ length: 4 }, () => store.transaction(({ once }) => once.spend('held')))
    for (const outcome of await Promise.allSettled(spends)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
    }
    await other.query('ROLLBACK')
    await other.end()
    expect(await store.transaction(({ once }) => once.spend('held'))).toBe(true)
    await store.close()
  })

  it('refuses text that PostgreSQL cannot hold as the caller’s mistake', async () => {
    const store = await createPostgresStore({ url: await server.url(), clock })
    const lookup = store.read(({ subjects }) => subjects.findByAlias('shop', 'nul\u0000'))
    await expect(lookup).rejects.toMatchObject({ code: 'invalid_input' })
    await store.close()
  })
})

describe('a server that fails under load', () => {
  const limits = { connectTimeout: 1_000, statementTimeout: 1_000 }

  /** Spends one key after the other from 8 callers until told to stop. */
  async function load(url: string) {
    const store = await createPostgresStore({ url, clock, ...limits })
    store.attachLedger(fakeLinker)
    const seen = { spent: 0, failures: [] as unknown[], slowest: 0 }
    let going = true
    let index = 0
    const caller = async () => {
      while (going) {
        const key = `load:${index++}`
        const started = performance.now()
        const spend = store.transaction(async ({ once, ledger }) => {
          ledger.append(record('spent'))
          return once.spend(key)
        })
        await spend.then(
          () => seen.spent++,
          (error) => seen.failures.push(error),
        )
        seen.slowest = Math.max(seen.slowest, performance.now() - started)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const callers = Array.from({ length: 8 }, caller)
    const stop = async () => {
      going = false
      await Promise.all(callers)
    }
    return { store, seen, stop }
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries === 400) throw new Error('waited in vain')
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  const faults: [string, () => Promise<void>, () => Promise<void>][] = [
    ['killed', () => server.kill(), () => server.restart()],
    ['paused', () => server.pause(), () => server.resume()],
  ]
  it.each(faults)(
    '%s: answers store_unavailable, recovers by itself, forgets nothing',
    async (_, fail, mend) => {
      const { store, seen, stop } = await load(await server.url())
      await until(() => seen.spent > 20)
      await fail()
      await until(() => seen.failures.length > 8)
      await mend()
      const before = seen.spent
      await until(() => seen.spent > before + 20)
      await stop()
      for (const failure of seen.failures) expect(failure).toMatchObject({ code: 'store_unavailable' })
      expect(seen.slowest).toBeLessThan(6_000)
      const { spent, head } = await store.read(async ({ once, ledger }) => ({
        spent: await once.countSpent('load:'),
        head: await ledger.head(),
      }))
      expect(spent).toBeGreaterThanOrEqual(seen.spent)
      expect(head?.seq).toBe(spent)
      await store.close()
    },
  )
})
