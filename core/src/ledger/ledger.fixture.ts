import type { Random } from '../clock.ts'
import type { LedgerLinker, LedgerPort, Store, Tx } from '../store.ts'
import type { LedgerCheckpoint, LedgerEntry, LedgerRecord } from './entry.ts'
import { exportLedger } from './export.ts'
import { generateLedgerKey, type LedgerKey, loadLedgerKey } from './keys.ts'
import { createLedgerLinker } from './linker.ts'

/** mulberry32: small, seeded, and good enough to choose what to break. */
export function createSeeded(seed: number) {
  let state = seed >>> 0
  function below(bound: number): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound)
  }
  const random: Random = { bytes: (length) => Uint8Array.from({ length }, () => below(256)) }
  return { below, random, pick: <T>(list: readonly T[]): T => list[below(list.length)]! }
}

export const testKey = (seed: number): LedgerKey =>
  loadLedgerKey(generateLedgerKey(createSeeded(seed).random))

/** A ledger in arrays, with its insides open to the attacks of the tests. */
function createMemoryLedger(linker: LedgerLinker) {
  const rows = {
    entries: [] as LedgerEntry[],
    kept: [] as LedgerCheckpoint[],
    head: null as LedgerCheckpoint | null,
  }
  let pending: LedgerRecord[] = []
  let turn: Promise<unknown> = Promise.resolve()

  const port: LedgerPort = {
    append: (record) => void pending.push(record),
    head: async () => rows.head,
    entries: async (afterSeq, limit) => rows.entries.filter(({ seq }) => seq > afterSeq).slice(0, limit),
    latest: async (beforeSeq, limit) =>
      rows.entries
        .filter(({ seq }) => seq < (beforeSeq ?? Number.MAX_SAFE_INTEGER))
        .slice(-limit)
        .reverse(),
    countFrom: async (type, times) =>
      times.map((from, index) => {
        const to = times[index + 1] ?? Number.POSITIVE_INFINITY
        const found = rows.entries.map(({ body }) => JSON.parse(body) as { type: string; at: number })
        return found.filter((entry) => entry.type === type && entry.at >= from && entry.at < to).length
      }),
    checkpoints: async (afterSeq, limit) => rows.kept.filter(({ seq }) => seq > afterSeq).slice(0, limit),
    keepCheckpoint: async () => {
      if (rows.head === null || rows.kept.at(-1)?.seq === rows.head.seq) return null
      rows.kept.push(rows.head)
      return rows.head
    },
    pruneThrough: async (seq) => {
      const before = rows.entries.length
      rows.entries = rows.entries.filter((entry) => entry.seq > seq)
      rows.kept = rows.kept.filter((checkpoint) => checkpoint.seq >= seq)
      return before - rows.entries.length
    },
  }

  function commit(records: readonly LedgerRecord[]): void {
    if (records.length === 0) return
    const linked = linker.link(rows.head, records)
    rows.entries.push(...linked.entries)
    rows.head = linked.head
  }

  const store: Pick<Store, 'read' | 'transaction'> = {
    read: (work) => work({ ledger: port } as Tx),
    transaction: (work) => {
      const done = turn.then(async () => {
        pending = []
        const result = await work({ ledger: port } as Tx)
        commit(pending)
        return result
      })
      turn = done.catch(() => {})
      return done
    },
  }
  return { rows, port, store, commit }
}

export interface SampleOptions {
  seed?: number
  ledgerId?: string
  key?: LedgerKey
  length?: number
  /** A checkpoint is kept after every so many entries. */
  keepEvery?: number
}

export async function createSample(options: SampleOptions = {}) {
  const { seed = 1, ledgerId = 'main', key = testKey(7), length = 30, keepEvery = 7 } = options
  const { below, pick } = createSeeded(seed)
  const clock = { now: () => 1_700_000_000_000 }
  const ledger = createMemoryLedger(createLedgerLinker({ ledgerId, ...key, clock }))
  for (let seq = 1; seq <= length; seq += 1) {
    const data = { method: pick(['totp', 'email', 'naïve ✓']), left: below(10), seed }
    const subject = `subject-${below(1000)}`
    ledger.commit([{ type: 'attempt.rejected', at: clock.now() + seq * 1000, subject, gate: 'http', data }])
    if (seq % keepEvery === 0) await ledger.port.keepCheckpoint()
  }
  return { ...ledger, ledgerId, key, clock }
}

export type Sample = Awaited<ReturnType<typeof createSample>>

/** The lines of an export, each with its line feed. */
export async function exportedLines({ port, ledgerId, key }: Sample): Promise<string[]> {
  const lines: string[] = []
  const options = { ledger: port, ledgerId, publicKeyPem: key.publicKeyPem, pageSize: 5 }
  for await (const line of exportLedger(options)) lines.push(line)
  return lines
}
