import type { Clock } from '../clock.ts'
import type { Store } from '../store.ts'
import type { SiemEvent } from './event.ts'
import { type Batch, type Item, nextBatch } from './next-batch.ts'
import type { ShipperState } from './spool.ts'

const second = 1_000
const minute = 60 * second

/** How long one batch may take to be confirmed; what takes longer is sent again, in smaller ones. */
const patience = 10 * second
const lease = patience + 5 * second
/** Nodes' clocks are within a minute of each other. */
const skew = 2 * minute
/** So many looks at most are left out after failures in a row. */
const longestRest = 30

/** Hands lines to a receiver. */
export interface SiemTransport {
  /** In one batch at most. */
  readonly limits: { events: number; bytes: number }
  /** Resolves when the receiver has confirmed all of them, and rejects in any other case. */
  deliver(lines: readonly string[], signal: AbortSignal): Promise<void>
}

export interface ShipperOptions {
  store: Pick<Store, 'transaction' | 'read'>
  clock: Clock
  /** Names this process among those on the store. */
  holder: string
  transport: SiemTransport
  format(event: SiemEvent): string
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

export interface ShipperStatus extends ShipperState {
  dropped: number
  waiting: { alerts: number; events: number; entries: number }
}

export interface Shipper {
  /** Ships until nothing waits, something fails, or another node does it. Never rejects. */
  kick(): Promise<void>
  /** Ends the batch under way, which is sent again by whoever comes next. */
  stop(): Promise<void>
}

/**
 * Ships what waits, at least once: an event is forgotten only after the receiver has confirmed the batch it
 * was in. One node ships at a time, so that the order holds; another takes over when it falls silent.
 */
export function createShipper(options: ShipperOptions): Shipper {
  const { store, clock, holder, transport, format, log } = options
  let size = transport.limits.events
  let failures = 0
  let rest = 0
  let running: Promise<void> | null = null
  const stopping = new AbortController()

  async function isIdle(): Promise<boolean> {
    return store.read(async (tx) => {
      const { through } = await tx.spool.shipper()
      return (await nextBatch(tx, through, { limit: 1, now: clock.now() })).items.length === 0
    })
  }

  /** The claim and what to ship under it; `null` when another node ships. */
  async function claimBatch(): Promise<{ state: ShipperState; batch: Batch } | null> {
    return store.transaction(async (tx) => {
      const now = clock.now()
      const times = { now, until: now + lease, absurd: now + lease + skew }
      if (!(await tx.spool.claim(holder, times))) return null
      const { dropped: _, ...state } = await tx.spool.shipper()
      return { state, batch: await nextBatch(tx, state.through, { limit: size, now }) }
    })
  }

  async function confirm(state: ShipperState, batch: Batch, items: readonly Item[]): Promise<void> {
    const through = Object.assign({ ...batch.through }, ...items.map((item) => item.through))
    const next = { through, sent: state.sent + items.length, lastSentAt: clock.now(), failure: null }
    await store.transaction(async (tx) => {
      // Another node has taken over, and repeats what this one sent.
      if (!(await tx.spool.save(holder, next))) return
      for (const { row } of items) if (row) await tx.spool.remove(row)
    })
  }

  /** `true` when there may be more to ship at once. */
  async function shipOne(): Promise<boolean> {
    const claimed = await claimBatch()
    if (claimed === null || claimed.batch.items.length === 0 || stopping.signal.aborted) return false
    const { state, batch } = claimed
    const { items, lines } = pack(batch.items, format, transport.limits.bytes)
    try {
      await transport.deliver(lines, AbortSignal.any([stopping.signal, AbortSignal.timeout(patience)]))
    } catch (error) {
      if (stopping.signal.aborted) return false
      await fail(state, error)
      return false
    }
    await confirm(state, batch, items)
    if (failures > 0) log.info({ failures }, 'the SIEM takes events again')
    failures = 0
    size = Math.min(size * 2, transport.limits.events)
    return true
  }

  async function fail(state: ShipperState, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error)
    if (failures === 0) log.warn({ reason: message }, 'the SIEM has not confirmed a batch; it is sent again')
    rest = Math.min(2 ** failures, longestRest)
    failures += 1
    size = Math.max(1, size >> 1)
    const failure = { at: clock.now(), message }
    await store.transaction((tx) => tx.spool.save(holder, { ...state, failure }))
  }

  async function drain(): Promise<void> {
    try {
      while (!stopping.signal.aborted && !(await isIdle()) && (await shipOne()));
    } catch (error) {
      log.warn({ error }, 'what waits for the SIEM could not be read or forgotten')
    } finally {
      running = null
    }
  }

  return {
    async kick() {
      if (stopping.signal.aborted) return
      if (running === null && rest > 0) {
        rest -= 1
        return
      }
      running ??= drain()
      await running
    },

    async stop() {
      stopping.abort()
      await running
      const now = clock.now()
      // Gives the claim back, if it has it: it ends now.
      await store.transaction((tx) =>
        tx.spool.claim(holder, { now: 0, until: now, absurd: Number.MAX_SAFE_INTEGER }),
      )
    },
  }
}

/** As many as fit, and one at least. */
function pack(items: readonly Item[], format: (event: SiemEvent) => string, mostBytes: number) {
  const lines: string[] = []
  let bytes = 0
  for (const { event } of items) {
    const line = format(event)
    bytes += Buffer.byteLength(line)
    if (lines.length > 0 && bytes > mostBytes) break
    lines.push(line)
  }
  return { items: items.slice(0, lines.length), lines }
}

/** How shipping stands, for whoever looks after it. */
export async function shipperStatus(store: Pick<Store, 'read'>): Promise<ShipperStatus> {
  return store.read(async (tx) => {
    const state = await tx.spool.shipper()
    const head = (await tx.ledger.head())?.seq ?? 0
    const [alerts, events] = [await tx.spool.count('alert'), await tx.spool.count('event')]
    return { ...state, waiting: { alerts, events, entries: head - (state.through?.entries ?? 0) } }
  })
}

/** When the oldest ledger entry that was not shipped was recorded; `null` when all were. */
export async function oldestUnshipped(store: Pick<Store, 'read'>): Promise<number | null> {
  return store.read(async (tx) => {
    const { through } = await tx.spool.shipper()
    const entry = (await tx.ledger.entries(through?.entries ?? 0, 1))[0]
    return entry === undefined ? null : (JSON.parse(entry.body) as { at: number }).at
  })
}
