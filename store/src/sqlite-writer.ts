import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { LedgerLinker, LedgerRecord } from '@sallyport/core'
import { writeLedger } from './ports/ledger.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import type { Worked } from './work.ts'

interface Job {
  work(): Promise<Worked<unknown>>
  resolve(result: unknown): void
  reject(error: unknown): void
}

export interface GroupWriter {
  submit<T>(work: () => Promise<Worked<T>>): Promise<T>
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
}

interface Context {
  /** Takes the database's write lock, waiting for other processes. */
  begin(): Promise<void>
  linker(): LedgerLinker | null
}

/** So that a flood of work lets the event loop turn now and then. */
const longestGroup = 256

/**
 * One writer, and group commit: whoever waits when the writer gets free shares one transaction, and so
 * one fsync. Each job stands in a savepoint and is rolled back alone; all are answered after the commit.
 */
export function createGroupWriter(db: SqliteConnection, { begin, linker }: Context): GroupWriter {
  const waiting: Job[] = []
  let draining: Promise<void> | null = null

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // The requests that arrived in this turn of the event loop join before the lock is taken.
      await endOfTurn()
      try {
        rollBack()
        await begin()
      } catch (error) {
        for (const job of waiting.splice(0)) job.reject(error)
        continue
      }
      await commitGroup(waiting.splice(0, longestGroup))
    }
    draining = null
  }

  async function commitGroup(jobs: readonly Job[]): Promise<void> {
    const answers: (() => void)[] = []
    const records: LedgerRecord[] = []
    try {
      for (const job of jobs) answers.push(await runJob(job, records))
      if (records.length > 0) await writeLedger(db, linker()!, records)
      db.exec('COMMIT')
    } catch (error) {
      rollBack()
      for (const job of jobs) job.reject(error)
      return
    }
    for (const answer of answers) answer()
  }

  /** Answers what to tell the caller once the group is committed. */
  async function runJob(job: Job, records: LedgerRecord[]): Promise<() => void> {
    db.exec('SAVEPOINT job')
    try {
      const { result, appended } = await job.work()
      db.exec('RELEASE job')
      records.push(...appended)
      return () => job.resolve(result)
    } catch (error) {
      // After a full disk, for one, SQLite may have rolled back everything: then the group has failed.
      if (!db.inTransaction()) throw error
      db.exec('ROLLBACK TO job')
      db.exec('RELEASE job')
      return () => job.reject(error)
    }
  }

  function rollBack() {
    try {
      if (db.inTransaction()) db.exec('ROLLBACK')
    } catch {
      // The error that led here says more; the next BEGIN shows whether the connection still works.
    }
  }

  return {
    submit: <T>(work: () => Promise<Worked<T>>) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as Job['resolve'], reject })
        draining ??= drain()
      }),
    idle: async () => {
      while (draining) await draining
    },
  }
}
