import type { KeyObject } from 'node:crypto'
import { genesisHash, hashBody, parseBody } from './canonical.ts'
import { isSignedCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint } from './entry.ts'
import {
  canBeginLine,
  type ExportEntry,
  type ExportFooter,
  type ExportHeader,
  type ExportLine,
  readLine,
} from './export-format.ts'
import { ledgerKeyPem, tryLedgerPublicKey } from './keys.ts'
import type { LedgerFault, LedgerFaultReason, LedgerVerification, VerifyOptions } from './verification.ts'

/** The entry that records a prune; its `data.through` names the checkpoint which anchors the rest. */
export const LEDGER_PRUNED = 'ledger.pruned'

/** Takes an export line by line. Each step answers whether all is well so far. */
export class LedgerVerifier {
  readonly #givenKey: KeyObject | undefined
  readonly #outside = new Map<number, LedgerCheckpoint[]>()
  readonly #observe: VerifyOptions['observe']
  #key: KeyObject | null = null
  #ledger: string | null = null
  /** The chain so far begins after entry `#start`, stands at `#link`, and is vouched for up to `#signed`. */
  #start = 0
  #link = { seq: 0, hash: '' }
  #signed = 0
  #lines = 0
  #checkpoints = 0
  #lastCheckpoint = 0
  #pruneRecorded = false
  #ended = false
  #firstBad: LedgerFault | null = null

  constructor({ publicKey, checkpoints = [], observe }: VerifyOptions) {
    this.#givenKey = publicKey
    for (const checkpoint of checkpoints) {
      this.#outside.set(checkpoint.seq, [...(this.#outside.get(checkpoint.seq) ?? []), checkpoint])
    }
    this.#observe = observe
  }

  line(text: string | null): boolean {
    this.#lines += 1
    const line = text === null ? null : readLine(text)
    if (line === null) return this.#bad('line_malformed', 'the line is none that an export holds')
    if (this.#ended) return this.#bad('line_misplaced', 'something follows the footer')
    if ((line.kind === 'header') !== (this.#ledger === null)) {
      return this.#bad('line_misplaced', 'an export has one header, and begins with it')
    }
    return this.#take(line)
  }

  /** `rest` is what followed the last line feed: a line that was torn off, and so no evidence either way. */
  end(rest: string | null): boolean {
    if (rest !== '') {
      this.#lines += 1
      if (this.#ended) return this.#bad('line_misplaced', 'something follows the footer')
      if (rest === null || !canBeginLine(rest)) {
        return this.#bad('line_malformed', 'the end is not the beginning of any line that an export holds')
      }
    }
    const unreached = [...this.#outside.keys()].reduce((most, seq) => Math.max(most, seq), 0)
    if (unreached <= this.#link.seq) return true
    const message = `the outside checkpoint is for entry ${unreached}, but there is none after ${this.#link.seq}`
    return this.#bad('checkpoint_not_reached', message, { line: null })
  }

  result(): LedgerVerification {
    const entries = this.#link.seq - this.#start
    return {
      status: this.#firstBad !== null ? 'tampered' : this.#ended ? 'clean' : 'incomplete',
      keyFrom: this.#givenKey === undefined ? 'export' : 'given',
      entries,
      firstSeq: entries > 0 ? this.#start + 1 : null,
      lastSeq: entries > 0 ? this.#link.seq : null,
      head: this.#link.seq > 0 ? this.#link : null,
      signedThrough: this.#signed,
      checkpointsBelowStart: [...this.#outside.keys()].filter((seq) => seq < this.#start).length,
      firstBad: this.#firstBad,
    }
  }

  #take(line: ExportLine): boolean {
    switch (line.kind) {
      case 'header':
        return this.#takeHeader(line)
      case 'entry':
        return this.#takeEntry(line)
      case 'checkpoint':
        return this.#takeCheckpoint(line.checkpoint)
      case 'footer':
        return this.#takeFooter(line)
    }
  }

  #takeHeader({ ledger, publicKey, anchor }: ExportHeader): boolean {
    const named = tryLedgerPublicKey(publicKey)
    this.#key = this.#givenKey ?? named
    if (named === null || this.#key === null || ledgerKeyPem(named) !== publicKey) {
      return this.#bad('line_malformed', 'the header holds no Ed25519 public key')
    }
    if (!named.equals(this.#key)) return this.#bad('key_differs', 'the header names another public key')
    this.#ledger = ledger
    this.#link = { seq: 0, hash: genesisHash(ledger) }
    for (const checkpoint of [...this.#outside.values()].flat()) {
      if (!this.#genuine(checkpoint, 'the outside checkpoint')) return false
    }
    if (anchor !== null) {
      if (!this.#genuine(anchor, 'the anchor')) return false
      this.#link = { seq: anchor.seq, hash: anchor.hash }
    }
    this.#start = this.#link.seq
    this.#signed = this.#link.seq
    this.#lastCheckpoint = this.#link.seq
    return this.#agreesWithOutside()
  }

  #takeEntry({ hash, body: text }: ExportEntry): boolean {
    const seq = this.#link.seq + 1
    if (hashBody(text) !== hash) return this.#bad('entry_altered', `entry ${seq} has not the hash it claims`)
    const body = parseBody(text)
    if (body === null) return this.#bad('entry_altered', `entry ${seq} is not in canonical form`)
    if (body.ledger !== this.#ledger) return this.#bad('other_ledger', `entry ${seq} is of another ledger`)
    if (body.seq !== seq) return this.#bad('entry_missing', `found entry ${body.seq} in the place of ${seq}`)
    if (body.prev !== this.#link.hash) {
      return this.#bad('chain_broken', `entry ${seq} does not follow the one before it: one was replaced`)
    }
    this.#link = { seq, hash }
    if (body.type === LEDGER_PRUNED && body.data.through === this.#start) this.#pruneRecorded = true
    this.#observe?.(body)
    return this.#agreesWithOutside()
  }

  #takeCheckpoint(checkpoint: LedgerCheckpoint): boolean {
    if (!this.#confirms(checkpoint, 'the checkpoint')) return false
    if (checkpoint.seq === this.#lastCheckpoint)
      return this.#bad('line_misplaced', 'a checkpoint is repeated')
    this.#lastCheckpoint = checkpoint.seq
    this.#checkpoints += 1
    this.#observe?.(checkpoint)
    return true
  }

  #takeFooter({ head, entries, checkpoints }: ExportFooter): boolean {
    if (!this.#confirms(head, 'the footer')) return false
    if (entries !== this.#link.seq - this.#start || checkpoints !== this.#checkpoints) {
      return this.#bad('count_differs', 'the footer counts other lines than there are')
    }
    if (this.#start > 0 && !this.#pruneRecorded) {
      const message = `entries up to ${this.#start} are missing, and no entry records that they were pruned`
      return this.#bad('prune_unrecorded', message, { seq: 1 })
    }
    this.#ended = true
    return true
  }

  #agreesWithOutside(): boolean {
    const here = this.#outside.get(this.#link.seq) ?? []
    return here.every((checkpoint) => this.#confirms(checkpoint, 'the outside checkpoint'))
  }

  /** Whether the checkpoint is this ledger's word, and the chain stands where it says. */
  #confirms(checkpoint: LedgerCheckpoint, name: string): boolean {
    const { seq, hash } = this.#link
    if (!this.#genuine(checkpoint, name)) return false
    if (checkpoint.seq > seq) return this.#bad('entry_missing', `${name} is for entry ${checkpoint.seq}`)
    if (checkpoint.seq < seq) {
      return this.#bad('line_misplaced', `${name} is for entry ${checkpoint.seq}, but stands after ${seq}`)
    }
    if (checkpoint.hash !== hash) {
      const message = `${name} has another hash for entry ${seq}: an entry after ${this.#signed} was rewritten`
      return this.#bad('checkpoint_contradicted', message, { seq: this.#signed + 1 })
    }
    this.#signed = seq
    return true
  }

  #genuine(checkpoint: LedgerCheckpoint, name: string): boolean {
    const seq = this.#signed + 1
    if (checkpoint.ledger !== this.#ledger) {
      return this.#bad('other_ledger', `${name} is of another ledger`, { seq })
    }
    if (this.#key !== null && isSignedCheckpoint(checkpoint, this.#key)) return true
    return this.#bad('signature_invalid', `${name} is not signed by the ledger's key`, { seq })
  }

  #bad(reason: LedgerFaultReason, message: string, at: { line?: null; seq?: number } = {}): false {
    this.#firstBad = { line: this.#lines, seq: this.#link.seq + 1, reason, message, ...at }
    return false
  }
}
