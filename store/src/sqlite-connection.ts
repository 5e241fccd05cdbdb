import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SallyportError } from '@sallyport/core'
import type { Sql, SqlRow, SqlValue } from './sql.ts'

/** https://www.sqlite.org/rescode.html, the primary codes. */
const code = { busy: 5, locked: 6, readonly: 8, corrupt: 11, constraint: 19, notADatabase: 26 }

/** https://www.sqlite.org/fileformat.html#the_database_header */
const magic = 'SQLite format 3\0'
const smallestFile = 512

/** One connection, its statements prepared once each. */
export interface SqliteConnection extends Sql {
  /** Transaction control. */
  exec(text: 'BEGIN' | 'BEGIN IMMEDIATE' | 'COMMIT' | 'ROLLBACK' | `${string} job`): void
  /** False as well when SQLite itself rolled back, after a full disk for example. */
  inTransaction(): boolean
  pragma(name: string): SqlValue | undefined
  close(): void
}

export function openConnection(path: string, { readOnly }: { readOnly: boolean }): SqliteConnection {
  const explained = <T>(action: () => T): T => {
    try {
      return action()
    } catch (error) {
      throw explain(error, { path, readOnly })
    }
  }
  // No busy handler: it would sleep on the event loop's thread. Whoever meets a lock retries later.
  const db = explained(() => new DatabaseSync(path, { readOnly, timeout: 0 }))
  const prepared = new Map<string, StatementSync>()
  const prepare = (text: string): StatementSync => {
    let statement = prepared.get(text)
    if (!statement) {
      statement = db.prepare(text)
      prepared.set(text, statement)
    }
    return statement
  }
  return {
    forUpdate: '',
    all: async (text, values = []) => explained(() => prepare(text).all(...values) as SqlRow[]),
    run: async (text, values = []) => explained(() => Number(prepare(text).run(...values).changes)),
    exec: (text) => void explained(() => prepare(text).run()),
    inTransaction: () => db.isTransaction,
    pragma: (name) => {
      const row = explained(() => db.prepare(`PRAGMA ${name}`).get()) as SqlRow | undefined
      return row && Object.values(row)[0]
    },
    close: () => db.close(),
  }
}

/**
 * Makes the directory and the file, for their owner alone, before SQLite would make them by the umask.
 * Its `-wal` and `-shm` files take the mode of the database.
 */
export async function prepareFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'a+', 0o600)
    try {
      const { size, mode } = await file.stat()
      if (mode & 0o077) await file.chmod(0o600)
      const { buffer } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0)
      // SQLite takes a file of no or a few bytes for a new database, and throws its log away.
      if (
        size === 0
          ? await isFilled(`${path}-wal`)
          : size < smallestFile || buffer.toString('latin1') !== magic
      ) {
        throw damaged(
          path,
          size === 0 ? 'it is empty, but its write-ahead log is not' : 'it is no SQLite file',
        )
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof SallyportError) throw error
    throw new SallyportError(
      'store_unavailable',
      `the database ${path} cannot be opened: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}

async function isFilled(path: string): Promise<boolean> {
  const log = await stat(path).catch(() => null)
  return log !== null && log.size > 0
}

export function damaged(path: string, detail: string, cause?: unknown): SallyportError {
  const advice = 'stop all processes that use it, keep a copy, and put back the last backup'
  return new SallyportError(
    'store_damaged',
    `the database ${path} is damaged or is none of ours (${detail}): ${advice}`,
    {
      cause,
    },
  )
}

export function isBusy(error: unknown): boolean {
  const primary = error instanceof SallyportError ? primaryCode(error.cause) : null
  return primary === code.busy || primary === code.locked
}

function primaryCode(error: unknown): number | null {
  const { errcode } = (error ?? {}) as { errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : null
}

/** What is not SQLite's own error (a value of a wrong type, say) is a mistake in the code and stays as it is. */
function explain(error: unknown, { path, readOnly }: { path: string; readOnly: boolean }): unknown {
  const { message, code: kind } = error as { message: string; code?: string }
  if (kind === 'ERR_INVALID_STATE')
    return new SallyportError('store_unavailable', 'the store is closed', { cause: error })
  switch (primaryCode(error)) {
    case null:
      return error
    case code.corrupt:
    case code.notADatabase:
      return damaged(path, message, error)
    case code.constraint:
      return new SallyportError('store_conflict', `the database refused a write: ${message}`, {
        cause: error,
      })
    case code.readonly:
      if (readOnly) return new TypeError('a write inside read()', { cause: error })
  }
  return new SallyportError('store_unavailable', `the database ${path} cannot do its work: ${message}`, {
    cause: error,
  })
}
