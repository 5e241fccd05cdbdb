import type { KeyObject } from 'node:crypto'
import type { LedgerBody } from './canonical.ts'
import type { LedgerCheckpoint } from './entry.ts'

export interface VerifyOptions {
  /** From a trusted place. Without it the key in the export is believed, and the result says so. */
  publicKey?: KeyObject
  /** Checkpoints that were kept where whoever made the export could not change them. */
  checkpoints?: readonly LedgerCheckpoint[]
  /** Told of each entry and kept checkpoint that is good so far, in order. The verdict comes later. */
  observe?: (found: LedgerBody | LedgerCheckpoint) => void
}

/** Why an export cannot be what the ledger recorded. */
export type LedgerFaultReason =
  | 'line_malformed'
  | 'line_misplaced'
  | 'key_differs'
  | 'other_ledger'
  | 'signature_invalid'
  | 'entry_altered'
  | 'entry_missing'
  | 'chain_broken'
  | 'checkpoint_contradicted'
  | 'checkpoint_not_reached'
  | 'prune_unrecorded'
  | 'count_differs'

export interface LedgerFault {
  /** The line of the export, from 1; `null` when the fault lies in no line. */
  line: number | null
  /** The first entry that is wrong or missing, or that cannot be trusted from there on. */
  seq: number
  reason: LedgerFaultReason
  /** For a person: what was expected and what was found. */
  message: string
}

/** What an export proves. */
export interface LedgerVerification {
  /**
   * `clean`: everything up to a signed footer is as it was recorded. `incomplete`: nothing is wrong,
   * but the end is missing. `tampered`: `firstBad` cannot have come from this ledger.
   */
  status: 'clean' | 'incomplete' | 'tampered'
  /** Whether the public key was given, or had to be believed as the export names it. */
  keyFrom: 'given' | 'export'
  /** How many entries were found good, and from which to which. */
  entries: number
  firstSeq: number | null
  lastSeq: number | null
  /** The last good place in the chain. */
  head: { seq: number; hash: string } | null
  /** Up to this entry a good signature vouches for the chain; 0 when none does. */
  signedThrough: number
  /** Outside checkpoints older than the first remaining entry: nothing is left to compare them with. */
  checkpointsBelowStart: number
  firstBad: LedgerFault | null
}
