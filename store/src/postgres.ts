import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type LedgerLinker, SallyportError, type Store } from '@sallyport/core'
import type pg from 'pg'
import { lastCheck, migrate, newestVersion, recordCheck } from './migrate.ts'
import { type Migration, migrations, type SchemaDialect } from './migrations.ts'
import { writeLedger } from './ports/ledger.ts'
import { createAnnouncements } from './postgres-announcements.ts'
import { createPool, explain, openSession, type PostgresSession, sqlState } from './postgres-connection.ts'
import { one, type Sql } from './sql.ts'
import { runWork } from './work.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  url: string
  clock: Clock
  maxConnections?: number
  /** How long to wait for a connection, free or new. */
  connectTimeout?: number
  /** How long the server may work on one statement, waiting for locks included. */
  statementTimeout?: number
  /** Another schema than the released one, for tests. */
  migrations?: readonly Migration[]
}

const dialect: SchemaDialect = {
  integer: 'BIGINT',
  bytes: 'BYTEA',
  counted: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  keyText: 'TEXT COLLATE "C"',
  table: '',
  keyedTable: '',
}

const mostAttempts = 8

/** The ports on PostgreSQL, for any number of processes. */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const { url, clock, maxConnections = 10, connectTimeout = 3_000, statementTimeout = 3_000 } = options
  const pool = createPool({ url, connectTimeout, maxConnections })
  let linker: LedgerLinker | null = null
  let closed = false
  const running = new Set<Promise<unknown>>()

  /** The server gives up first, cleanly; the client's own limit is for servers that say nothing at all. */
  const answerTimeout = statementTimeout + 1_000
  const limits = `SET LOCAL statement_timeout = ${statementTimeout};
    SET LOCAL idle_in_transaction_session_timeout = ${answerTimeout}`

  try {
    await prepareSchema(pool, { clock, list: options.migrations ?? migrations })
    const durable = await commitsAreDurable(pool)
    const beginWrite = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${limits}${durable ? '' : '; SET LOCAL synchronous_commit = on'}`
    const beginRead = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${limits}`
    return createStore({ beginWrite, beginRead })
  } catch (error) {
    await pool.end()
    throw error
  }

  function createStore({ beginWrite, beginRead }: { beginWrite: string; beginRead: string }): Store {
    async function writing<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
      for (let attempt = 1; ; attempt++) {
        try {
          return await within(pool, { begin: beginWrite, answerTimeout, readOnly: false }, body)
        } catch (error) {
          if (!asksForRetry(error) || attempt === mostAttempts) throw error
        }
        await sleep(attempt * attempt)
      }
    }

    const reading = <T>(body: (sql: Sql) => Promise<T>): Promise<T> =>
      within(pool, { begin: beginRead, answerTimeout, readOnly: true }, body)

    async function whileOpen<T>(action: () => Promise<T>): Promise<T> {
      if (closed) throw new SallyportError('store_unavailable', 'the store is closed')
      const result = action()
      running.add(result)
      return result.finally(() => running.delete(result))
    }

    return {
      transaction: (work) =>
        whileOpen(() =>
          writing(async (sql) => {
            const { result, appended } = await runWork(sql, work, linker)
            if (linker && appended.length > 0) await writeLedger(sql, linker, appended)
            return result
          }),
        ),

      read: (work) => whileOpen(() => reading(async (sql) => (await runWork(sql, work, null)).result)),

      ...createAnnouncements({ url, pool, connectTimeout }),

      attachLedger(attached) {
        linker = attached
      },

      check: () =>
        whileOpen(() =>
          writing(async (sql) => {
            await sql.run(recordCheck, [clock.now()])
            await one(sql, lastCheck, [])
          }),
        ),

      async close() {
        if (closed) return
        closed = true
        await Promise.allSettled(running)
        await pool.end()
      },
    }
  }
}

interface Bracket {
  begin: string
  readOnly: boolean
  answerTimeout?: number
}

/**
 * One transaction on one connection. A connection lost in the middle of COMMIT leaves open whether the
 * server got to it: the caller hears that it failed, and what was spent by then stays spent.
 */
async function within<T>(
  pool: pg.Pool,
  { begin, ...options }: Bracket,
  body: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error) => {
    throw explain(error, options.readOnly)
  })
  const session = openSession(client, options)
  try {
    await session.control(begin)
    const result = await body(session)
    if ((await session.control('COMMIT')) !== 'COMMIT') {
      throw new SallyportError('store_unavailable', 'the database did not commit the transaction')
    }
    return result
  } catch (error) {
    if (session.usable()) await session.control('ROLLBACK').catch(() => undefined)
    throw error
  } finally {
    client.release(!session.usable())
  }
}

/** 40001 serialization_failure, 40P01 deadlock_detected. */
function asksForRetry(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error) ?? '')
}

/** A server may be set to answer a commit before it is on the disk; an accepted code must not be forgotten. */
async function commitsAreDurable(pool: pg.Pool): Promise<boolean> {
  return within(pool, { begin: 'BEGIN READ ONLY', readOnly: true }, async (sql) => {
    const row = await one(sql, `SELECT current_setting('synchronous_commit') AS value`, [])
    return row?.value !== 'off'
  })
}

interface SchemaOptions {
  clock: Clock
  list: readonly Migration[]
}

async function prepareSchema(pool: pg.Pool, { clock, list }: SchemaOptions): Promise<void> {
  if ((await storedVersion(pool)) === newestVersion(list)) return
  await makeLock(pool)
  await within(pool, { begin: 'BEGIN ISOLATION LEVEL READ COMMITTED', readOnly: false }, async (sql) => {
    await sql.control('SET LOCAL statement_timeout = 0')
    await sql.all('SELECT id FROM schema_lock WHERE id = 1 FOR UPDATE')
    await migrate({ sql, dialect, now: clock.now(), list })
  })
}

/** So that all but the first start of a new version take no lock and need no right to change the schema. */
async function storedVersion(pool: pg.Pool): Promise<number | null> {
  try {
    return await within(pool, { begin: 'BEGIN READ ONLY', readOnly: true }, async (sql) => {
      const row = await one(sql, 'SELECT max(version) AS version FROM schema_migrations', [])
      return row?.version as number | null
    })
  } catch (error) {
    if (sqlState(error) === '42P01') return null
    throw error
  }
}

/**
 * The row that migrations lock. Two processes that make the same table at once may fail on PostgreSQL's
 * own catalogue, `IF NOT EXISTS` or not; then the table is there at the next try.
 */
async function makeLock(pool: pg.Pool): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await within(pool, { begin: 'BEGIN', readOnly: false }, async (sql) => {
        await sql.run('CREATE TABLE IF NOT EXISTS schema_lock (id BIGINT PRIMARY KEY)')
        await sql.run('INSERT INTO schema_lock (id) VALUES (1) ON CONFLICT DO NOTHING')
      })
      return
    } catch (error) {
      const raced = ['23505', '42P07', 'XX000', '40001', '40P01'].includes(sqlState(error) ?? '')
      if (!raced || attempt === mostAttempts) throw error
    }
    await sleep(attempt * 10)
  }
}
