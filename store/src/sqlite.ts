import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type LedgerLinker, SallyportError, type Store } from '@sallyport/core'
import { lastCheck, migrate, recordCheck } from './migrate.ts'
import type { Migration, SchemaDialect } from './migrations.ts'
import { one } from './sql.ts'
import { damaged, isBusy, openConnection, prepareFile, type SqliteConnection } from './sqlite-connection.ts'
import { createGroupWriter } from './sqlite-writer.ts'
import { runWork, type Work } from './work.ts'

export interface SqliteOptions {
  /** The database file; it and its directory are made when there are none. */
  path: string
  clock: Clock
  /** How long to wait for another process that holds the file's write lock. */
  busyTimeout?: number
  /** Another schema than the released one, for tests. */
  migrations?: readonly Migration[]
}

const dialect: SchemaDialect = {
  integer: 'INTEGER',
  bytes: 'BLOB',
  counted: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  keyText: 'TEXT',
  table: ' STRICT',
  keyedTable: ' STRICT, WITHOUT ROWID',
}

/** What is found by a random key (a session, a guess) lies anywhere: with SQLite's 2 MiB most of it is read again. */
const cacheKibibytes = 16 * 1024

/** "SLLY": marks a file as ours, see https://www.sqlite.org/pragma.html#pragma_application_id */
const applicationId = 0x534c4c59

/** The ports on one SQLite file. Several processes of one machine may share it. */
export async function createSqliteStore(options: SqliteOptions): Promise<Store> {
  const { clock, busyTimeout = 5_000 } = options
  const path = resolve(options.path)
  const unlocked = <T>(action: () => Promise<T>) => retryBusy(action, busyTimeout)

  await prepareFile(path)
  const db = await openWriter(path, { unlocked, clock, list: options.migrations })
  const reader = createReader(path, unlocked)
  for (const { pragma } of [db, reader.connection]) pragma(`cache_size = -${cacheKibibytes}`)

  let linker: LedgerLinker | null = null
  let closed = false
  const writer = createGroupWriter(db, {
    begin: () => unlocked(async () => db.exec('BEGIN IMMEDIATE')),
    linker: () => linker,
  })

  function refuseWhenClosed() {
    if (closed) throw new SallyportError('store_unavailable', 'the store is closed')
  }

  return {
    async transaction(work) {
      refuseWhenClosed()
      return writer.submit(() => runWork(db, work, linker))
    },

    async read(work) {
      refuseWhenClosed()
      return reader.read(work)
    },

    // Other processes on the file find out when they next look.
    announce: async () => undefined,
    onAnnouncement: () => async () => undefined,

    attachLedger(attached) {
      linker = attached
    },

    async check() {
      refuseWhenClosed()
      await unlocked(() => one(reader.connection, lastCheck, []))
      await writer.submit(async () => {
        await db.run(recordCheck, [clock.now()])
        return { result: undefined, appended: [] }
      })
    },

    async close() {
      if (closed) return
      closed = true
      await Promise.all([writer.idle(), reader.close()])
      db.close()
    },
  }
}

/** For whoever only looks at a file that another process may be writing: nothing of it is made or brought up to date. */
export async function readSqliteStore({
  path,
}: Pick<SqliteOptions, 'path'>): Promise<Pick<Store, 'read' | 'close'>> {
  const reader = createReader(resolve(path), (action) => retryBusy(action, 5_000))
  try {
    await refuseForeign(reader.connection, path)
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
}

type Unlocked = <T>(action: () => Promise<T>) => Promise<T>

function createReader(path: string, unlocked: Unlocked) {
  const connection = openConnection(path, { readOnly: true })
  let reading: Promise<unknown> = Promise.resolve()

  async function snapshot<T>(work: Work<T>): Promise<T> {
    connection.exec('BEGIN')
    try {
      const { result } = await runWork(connection, work, null)
      return result
    } finally {
      if (connection.inTransaction()) connection.exec('ROLLBACK')
    }
  }

  return {
    connection,
    async read<T>(work: Work<T>): Promise<T> {
      // One at a time: they share a connection, and each sees one state of the database from its start.
      const result = reading.then(() => unlocked(() => snapshot(work)))
      reading = result.catch(() => undefined)
      return result
    },
    async close(): Promise<void> {
      await reading
      connection.close()
    },
  }
}

interface Opening {
  unlocked: Unlocked
  clock: Clock
  list: readonly Migration[] | undefined
}

async function openWriter(path: string, { unlocked, clock, list }: Opening): Promise<SqliteConnection> {
  const db = openConnection(path, { readOnly: false })
  try {
    await unlocked(() => refuseForeign(db, path))
    await unlocked(async () => {
      if (db.pragma('journal_mode = WAL') !== 'wal') {
        throw new SallyportError(
          'store_unavailable',
          `the file system of ${path} cannot hold a write-ahead log`,
        )
      }
    })
    // Each commit is on the disk before it is answered: https://www.sqlite.org/pragma.html#pragma_synchronous
    db.pragma('synchronous = FULL')
    db.pragma('trusted_schema = OFF')
    // Savepoints keep what they may have to undo; past 64 KiB that would be a new file for every group of commits.
    db.pragma('temp_store = MEMORY')
    await unlocked(async () => db.exec('BEGIN IMMEDIATE'))
    if (db.pragma('application_id') !== applicationId) db.pragma(`application_id = ${applicationId}`)
    await migrate({ sql: db, dialect, now: clock.now(), ...(list && { list }) })
    db.exec('COMMIT')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** What another program made is left as it is. */
async function refuseForeign(db: SqliteConnection, path: string): Promise<void> {
  const owner = db.pragma('application_id')
  if (owner === applicationId) return
  const table = await one(db, 'SELECT name FROM sqlite_schema LIMIT 1', [])
  if (table || owner !== 0) throw damaged(path, 'it belongs to another program')
}

/** Waits for another process's lock without ever blocking the event loop. */
async function retryBusy<T>(action: () => Promise<T>, timeout: number): Promise<T> {
  let waited = 0
  for (let pause = 1; ; pause = Math.min(pause * 2, 16)) {
    try {
      return await action()
    } catch (error) {
      if (!isBusy(error) || waited >= timeout) throw error
    }
    waited += pause
    await sleep(pause)
  }
}
