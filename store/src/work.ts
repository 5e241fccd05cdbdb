import { type LedgerLinker, type LedgerRecord, SallyportError, type Tx } from '@sallyport/core'
import type { Sql } from './sql.ts'
import { createTx } from './tx.ts'

export type Work<T> = (tx: Tx) => Promise<T>

export interface Worked<T> {
  result: T
  /** What joins the ledger if the transaction commits. */
  appended: readonly LedgerRecord[]
}

/**
 * Runs `work` on ports that die with it: a call that comes late, from a promise nobody awaited, must
 * not land in the next caller's transaction. A statement that failed fails the work, caught or not,
 * since PostgreSQL would answer COMMIT with a silent rollback.
 */
export async function runWork<T>(
  driver: Sql,
  work: Work<T>,
  linker: LedgerLinker | null,
): Promise<Worked<T>> {
  const appended: LedgerRecord[] = []
  let ended = false
  let failure: { error: unknown } | null = null
  const guard = async <R>(statement: () => Promise<R>): Promise<R> => {
    if (ended) throw new TypeError('the transaction has ended already')
    if (failure) throw failure.error
    try {
      return await statement()
    } catch (error) {
      failure ??= { error }
      throw error
    }
  }
  const sql: Sql = {
    all: (text, values) => guard(() => driver.all(text, values)),
    run: (text, values) => guard(() => driver.run(text, values)),
    forUpdate: driver.forUpdate,
  }
  try {
    const result = await work(createTx(sql, appended))
    if (failure) throw (failure as { error: unknown }).error
    if (appended.length > 0 && !linker) {
      throw new SallyportError(
        'store_unavailable',
        'a ledger record was appended where no ledger is attached',
      )
    }
    return { result, appended }
  } finally {
    ended = true
    Object.freeze(appended)
  }
}
