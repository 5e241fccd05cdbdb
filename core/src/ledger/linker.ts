import type { KeyObject } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { LedgerLinker } from '../store.ts'
import { encodeBody, genesisHash, hashBody, isLedgerId } from './canonical.ts'
import { checkpointText, isSignedCheckpoint, signCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint } from './entry.ts'

export interface LedgerLinkerOptions {
  ledgerId: string
  privateKey: KeyObject
  publicKey: KeyObject
  clock: Clock
}

export function createLedgerLinker(options: LedgerLinkerOptions): LedgerLinker {
  const { ledgerId, privateKey, publicKey, clock } = options
  if (!isLedgerId(ledgerId)) throw new SallyportError('invalid_input', 'the ledger id has an unfit form')
  const genesis = genesisHash(ledgerId)
  // Verifying costs more than signing, and most of the time the stored head is our own last one.
  let own: string | null = null

  function refuseForged(head: LedgerCheckpoint): void {
    if (checkpointText(head) === own) return
    if (head.ledger === ledgerId && isSignedCheckpoint(head, publicKey)) return
    throw new SallyportError('ledger_damaged', 'the stored head of the ledger is not one this ledger signed')
  }

  return {
    link(head, records) {
      if (records.length === 0) throw new SallyportError('invalid_input', 'there is no record to link')
      if (head !== null) refuseForged(head)
      let seq = head?.seq ?? 0
      let hash = head?.hash ?? genesis
      const entries = records.map((record) => {
        seq += 1
        const body = encodeBody({ ledger: ledgerId, seq, prev: hash }, record)
        hash = hashBody(body)
        return { seq, hash, body }
      })
      const next = signCheckpoint({ ledger: ledgerId, seq, hash, at: clock.now() }, privateKey)
      own = checkpointText(next)
      return { entries, head: next }
    },
  }
}
