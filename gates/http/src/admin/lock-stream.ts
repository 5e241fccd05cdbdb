import { type LedgerEntry, readEntry, type Store } from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { createEventStream, type EventSource } from '../event-stream.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { Refusal } from '../refusal.ts'
import { actorOf, recordRead } from './admin-context.ts'

const types = ['subject.locked', 'subject.unlocked']

/** Who is locked and unlocked, as it happens. What it answers ends the streams, before a stop. */
export function registerLockStream(bind: Binder, { services, access }: LoginContext): () => void {
  const stream = createEventStream(locksOf(services.store))
  bind(adminRoutes.lockStream, async (call) => {
    const { context } = call
    await recordRead(services, call, { what: 'locks' })
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

/** The ledger has them, numbered: by the index of its types. */
function locksOf(store: Store): EventSource<{ id: number; entry: LedgerEntry }> {
  return {
    last: () =>
      store.read(async ({ ledger }) => {
        const newest = await Promise.all(types.map((type) => ledger.latest(null, 1, { type })))
        return Math.max(0, ...newest.flat().map(({ seq }) => seq))
      }),
    after: (id, most) =>
      store.read(async ({ ledger }) => {
        const found = await Promise.all(types.map((type) => ledger.entries(id, most, { type })))
        const inOrder = found.flat().sort((a, b) => a.seq - b.seq)
        return inOrder.slice(0, most).map((entry) => ({ id: entry.seq, entry }))
      }),
  }
}
