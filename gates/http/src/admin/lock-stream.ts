import { type LedgerEntry, readEntry } from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { createEventStream, type EventSource } from '../event-stream.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { Refusal } from '../refusal.ts'
import type { GateServices } from '../services.ts'
import { actorOf } from './admin-context.ts'

const types = ['subject.locked', 'subject.unlocked']
/** Whoever comes hears of the last moments too: the page was loaded a little before. */
const moments = 10_000

/** Who is locked and unlocked, as it happens. What it answers ends the streams, before a stop. */
export function registerLockStream(bind: Binder, { services, access }: LoginContext): () => void {
  const stream = createEventStream(locksOf(services))
  bind(adminRoutes.lockStream, async (call) => {
    const { context } = call
    return stream.open(context, {
      who: actorOf(call),
      write: ({ id, entry }) => {
        const { at, type, subject } = readEntry(entry)
        return JSON.stringify({ id, at: iso(at), type, subject })
      },
      isAllowed: async () => !((await access.admit('admin', context)) instanceof Refusal),
    })
  })
  return stream.stop
}

/** The ledger has them, numbered: by the index of its types. Only ids come of it, which are pseudonyms. */
function locksOf({ store, clock }: GateServices): EventSource<{ id: number; entry: LedgerEntry }> {
  const newest = (until?: number) =>
    store.read(async ({ ledger }) => {
      const wanted = types.map((type) => ({ type, ...(until !== undefined && { until }) }))
      const found = await Promise.all(wanted.map((filter) => ledger.latest(null, 1, filter)))
      return Math.max(0, ...found.flat().map(({ seq }) => seq))
    })
  return {
    last: () => newest(),
    start: () => newest(clock.now() - moments),
    after: (id, most) =>
      store.read(async ({ ledger }) => {
        const found = await Promise.all(types.map((type) => ledger.entries(id, most, { type })))
        const inOrder = found.flat().sort((a, b) => a.seq - b.seq)
        return inOrder.slice(0, most).map((entry) => ({ id: entry.seq, entry }))
      }),
  }
}
