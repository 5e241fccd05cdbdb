import { type Clock, SallyportError, type Store, type Tx } from '@sallyport/core'

/** `mend`: what makes it trusted again. Nobody's word stands for a synchronisation that is demanded. */
export type ClockVerdict =
  | { trusted: true }
  | { trusted: false; reason: string; mend: 'accept' | 'synchronise' }

export interface ClockTrust {
  check(): Promise<ClockVerdict>
  synchronised(): Promise<boolean>
  /** As both were when they were last looked at; `null` before that. */
  seen(): { trusted: boolean | null; synchronised: boolean | null }
  /** Remembers, in `tx`, that the clock got this far. Never backwards. */
  mark(tx: Tx): Promise<void>
  /** An administrator says that the clock is right as it stands now. Answers what that changed. */
  accept(reason: string): Promise<{ before: number | null; now: number } & ClockVerdict>
}

const latest = 'shim.clock.latest'
/** A daemon that disciplines the clock may move it by so much, and the disk's stamp is as old as its commit. */
const tolerance = 2_000

/**
 * A clock set back makes old codes look new, and the store's memory of used steps is then all that stands.
 * So codes are refused while the clock shows a time before one that it showed already, or while nothing
 * keeps it right where that is demanded.
 */
export function createClockTrust(options: {
  store: Store
  clock: Clock
  requireSync: boolean
  synchronised: () => Promise<boolean>
}): ClockTrust {
  const { store, clock, requireSync } = options
  const last: ReturnType<ClockTrust['seen']> = { trusted: null, synchronised: null }

  async function synchronised(): Promise<boolean> {
    last.synchronised = await options.synchronised()
    return last.synchronised
  }

  async function judge(): Promise<ClockVerdict> {
    const seen = await store.read(readLatest)
    const behind = seen === null ? 0 : seen - clock.now()
    if (behind > tolerance) {
      const from = new Date(seen!).toISOString()
      return { trusted: false, reason: `the clock was set back: it showed ${from} before`, mend: 'accept' }
    }
    if (requireSync && !(await synchronised())) {
      return { trusted: false, reason: 'the clock is not synchronised by NTP', mend: 'synchronise' }
    }
    return { trusted: true }
  }

  async function check(): Promise<ClockVerdict> {
    const verdict = await judge()
    last.trusted = verdict.trusted
    return verdict
  }

  return {
    synchronised,
    seen: () => ({ ...last }),
    check,
    async mark(tx) {
      const seen = await readLatest(tx)
      if (seen === null || clock.now() > seen) await tx.settings.put(latest, String(clock.now()))
    },
    async accept(reason) {
      const accepted = await store.transaction(async (tx) => {
        const before = await readLatest(tx)
        const now = clock.now()
        await tx.settings.put(latest, String(now))
        tx.ledger.append({
          type: 'clock.accepted',
          at: now,
          actor: 'cli',
          gate: 'serial',
          data: { before, reason },
        })
        return { before, now }
      })
      return { ...accepted, ...(await check()) }
    },
  }
}

async function readLatest(tx: Tx): Promise<number | null> {
  const text = await tx.settings.find(latest)
  if (text === null) return null
  const at = Number(text)
  if (Number.isSafeInteger(at)) return at
  throw new SallyportError('store_damaged', `the setting "${latest}" in the database is damaged`)
}
