import type { Clock, Store, Subject, Tx } from '@sallyport/core'
import { savePortState } from '../state/saved-state.ts'
import type { Timers } from '../timers.ts'
import type { Transition } from './port.ts'

const retryAfter = 5_000

/** Where transitions are kept: in the log at once; in the ledger and for the next start in one commit. */
export function createJournal(parts: {
  store: Store
  clock: Clock
  timers: Timers
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void }
  subjects: ReadonlyMap<string, Subject>
  device: string
}) {
  const { store, clock, timers, log, subjects, device } = parts
  /** What could not be kept: a full disk, of all things, is why a line was stopped. */
  const unkept = new Map<string, Transition>()
  let cancel: (() => void) | null = null

  function write(tx: Tx, { port, from, to, event }: Transition): Promise<void> {
    const technician = to.technician ?? from.technician
    const subject = subjects.get(technician ?? '')?.id ?? null
    const data = {
      ...{ device, technician },
      ...{ port, from: from.name, to: to.name, event: event.type, reason: to.reason },
      ...{ session: to.session ?? from.session, locks: [...to.locks] },
    }
    tx.ledger.append({ type: 'port.changed', at: clock.now(), subject, gate: 'serial', data })
    return savePortState(tx, port, to)
  }

  function retry(): void {
    cancel ??= timers.after(retryAfter, () => {
      cancel = null
      for (const transition of unkept.values()) keep(transition).catch(() => {})
    })
  }

  async function keep(transition: Transition): Promise<void> {
    const { port, from, to, event } = transition
    const { reason, session, technician } = to
    log.info(
      { port, from: from.name, to: to.name, on: event.type, reason, session, technician },
      'port changed',
    )
    try {
      await store.transaction((tx) => write(tx, transition))
      if (unkept.get(port) === transition) unkept.delete(port)
    } catch (error) {
      log.error({ port, to: to.name, err: error }, 'the state of the port could not be kept; trying again')
      unkept.set(port, transition)
      retry()
      throw error
    }
  }

  return {
    keep,
    async note(type: string, data: Record<string, string | number>) {
      const subject = subjects.get(String(data.technician))?.id ?? null
      await store.transaction(async (tx) =>
        tx.ledger.append({ type, at: clock.now(), subject, gate: 'serial', data: { device, ...data } }),
      )
    },
    stop: () => cancel?.(),
  }
}
