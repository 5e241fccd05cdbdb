import { SallyportError } from '../errors.ts'
import type { LedgerPort, Store } from '../store.ts'
import type { LedgerEntry } from './entry.ts'
import { type ExportLine, formatLine } from './export-format.ts'

export type LedgerReader = Pick<LedgerPort, 'head' | 'entries' | 'checkpoints'>

export interface ExportOptions {
  ledger: LedgerReader
  ledgerId: string
  publicKeyPem: string
  /** How many entries are read at a time. */
  pageSize?: number
}

/** Reads a store's ledger page by page, so that a long export never holds up the others. */
export function createLedgerReader(store: Pick<Store, 'read'>): LedgerReader {
  return {
    head: () => store.read((tx) => tx.ledger.head()),
    entries: (afterSeq, limit, filter) => store.read((tx) => tx.ledger.entries(afterSeq, limit, filter)),
    checkpoints: (afterSeq, limit) => store.read((tx) => tx.ledger.checkpoints(afterSeq, limit)),
  }
}

/**
 * The ledger as it is stored, right or wrong, up to the head at the moment of the call: text in lines,
 * each with its line feed. Without a head there is nothing signed to end with, and so no footer.
 * Throws `store_conflict` when entries were pruned away meanwhile.
 */
export async function* exportLedger(options: ExportOptions): AsyncGenerator<string, void, undefined> {
  const { ledger, ledgerId, publicKeyPem, pageSize = 512 } = options
  // The first entry is read before the head: a prune in between then shows as a changed beginning,
  // and its own entry is never left out. Reading it again covers a ledger that was just begun.
  const seen = await firstEntry(ledger)
  const head = await ledger.head()
  const first = seen ?? (await firstEntry(ledger))
  let cursor = first === null ? (head?.seq ?? 0) : first.seq - 1

  const below = cursor > 0 ? (await ledger.checkpoints(cursor - 1, 1))[0] : undefined
  const anchor = below?.seq === cursor ? below : null
  yield toText({ kind: 'header', ledger: ledgerId, publicKey: publicKeyPem, anchor })

  const count = { entries: 0, checkpoints: 0 }
  const end = head?.seq ?? Number.MAX_SAFE_INTEGER
  while (cursor < end) {
    const page = (await ledger.entries(cursor, pageSize)).filter(({ seq }) => seq <= end)
    // There is at most one checkpoint an entry, so as many as there are entries reach as far.
    const kept = new Map((await ledger.checkpoints(cursor, pageSize)).map((one) => [one.seq, one]))
    if (page[0]?.seq !== cursor + 1) await refusePruned(ledger, first)
    for (const { seq, hash, body } of page) {
      yield toText({ kind: 'entry', hash, body })
      count.entries += 1
      const checkpoint = kept.get(seq)
      if (checkpoint === undefined) continue
      yield toText({ kind: 'checkpoint', checkpoint })
      count.checkpoints += 1
    }
    cursor = page.at(-1)?.seq ?? end
  }
  if (head !== null) yield toText({ kind: 'footer', ...count, head })
}

async function refusePruned(ledger: LedgerReader, first: LedgerEntry | null): Promise<void> {
  if ((await firstEntry(ledger))?.seq === first?.seq) return
  throw new SallyportError('store_conflict', 'the ledger was pruned while it was read: begin again')
}

async function firstEntry(ledger: LedgerReader): Promise<LedgerEntry | null> {
  return (await ledger.entries(0, 1))[0] ?? null
}

function toText(line: ExportLine): string {
  return `${formatLine(line)}\n`
}
