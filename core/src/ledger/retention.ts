import type { KeyObject } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Store } from '../store.ts'
import type { LedgerCheckpoint } from './entry.ts'
import { createLedgerReader } from './export.ts'
import { LEDGER_PRUNED } from './verifier.ts'
import { verifyStoredLedger } from './verify.ts'

export interface PruneOptions {
  store: Pick<Store, 'read' | 'transaction'>
  ledgerId: string
  publicKey: KeyObject
  clock: Clock
  /** Nothing recorded at or after this time is removed. */
  keepSince: number
  actor?: string | null
}

/**
 * Removes the whole stretch up to the newest kept checkpoint that has only old entries before it, and
 * records that it did; `null` when there is no such stretch. The ledger is verified first: retention
 * must not destroy the traces of what somebody changed, nor put its own record over a hole they left.
 */
export async function pruneLedger(
  options: PruneOptions,
): Promise<{ through: LedgerCheckpoint; removed: number } | null> {
  const { store, ledgerId, publicKey, clock, keepSince, actor = null } = options
  const old = { only: true, through: null as LedgerCheckpoint | null }
  const verified = await verifyStoredLedger({
    ledger: createLedgerReader(store),
    ledgerId,
    publicKey,
    observe: (found) => {
      if (!('signature' in found)) old.only &&= found.at < keepSince
      else if (old.only) old.through = found
    },
  })
  if (verified.firstBad !== null) {
    throw new SallyportError('ledger_damaged', `nothing was pruned: ${verified.firstBad.message}`)
  }
  const { through } = old
  if (through === null) return null
  return store.transaction(async (tx) => {
    const removed = await tx.ledger.pruneThrough(through.seq)
    // Another node was faster, and has recorded it.
    if (removed === 0) return null
    const data = { through: through.seq, removed }
    tx.ledger.append({ type: LEDGER_PRUNED, at: clock.now(), actor, data })
    return { through, removed }
  })
}
