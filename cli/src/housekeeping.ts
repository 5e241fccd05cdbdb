import {
  oldestUnshipped,
  pruneLedger,
  retireUnusedKeys,
  type Store,
  sealedPorts,
  type Tx,
} from '@sallyport/core'
import type { Sallyport } from './sallyport.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const pruneBatch = 1_000

interface Chore {
  name: string
  every: number
  run(): Promise<unknown>
}

/** What has to happen now and then while the product runs. Any number of nodes may do it at once. */
export function startHousekeeping(
  sallyport: Sallyport,
  log: { warn(facts: object, message: string): void },
): () => Promise<void> {
  const { config, store, vault, clock, ledger, outbox, siem } = sallyport
  const chores: Chore[] = [
    {
      name: 'keep a checkpoint of the ledger',
      every: config.ledger.checkpoint_every,
      run: () => store.transaction((tx) => tx.ledger.keepCheckpoint()),
    },
    { name: 'send the mail that is due', every: 5 * second, run: () => outbox.kick() },
    { name: 'read the key ring again', every: minute, run: () => vault.reload() },
    {
      name: 'drop what is long over',
      every: hour,
      run: () => dropOld({ store, clock }),
    },
    {
      name: 'drop old threat events and blocks',
      every: hour,
      run: () => dropOldThreats(sallyport),
    },
    {
      name: 'retire unused keys',
      every: 24 * hour,
      run: () => retireUnusedKeys({ store, clock, resealables: sealedPorts }),
    },
  ]
  const { keep } = config.ledger
  if (keep !== undefined) {
    const prune = { store, clock, ledgerId: ledger.id, publicKey: ledger.publicKey }
    chores.push({
      name: 'prune the ledger',
      every: 24 * hour,
      run: async () => {
        // What the SIEM has not had yet stays, however old.
        const unshipped = siem === null ? null : await oldestUnshipped(store)
        const keepSince = Math.min(clock.now() - keep, unshipped ?? Number.MAX_SAFE_INTEGER)
        await pruneLedger({ ...prune, keepSince, actor: 'retention' })
      },
    })
  }
  const running = new Set<Promise<void>>()
  const timers = chores.map(({ name, every, run }) =>
    setInterval(() => {
      const done = run().then(
        () => {},
        (error: unknown) => log.warn({ error, chore: name }, 'a chore failed; it is tried again next time'),
      )
      running.add(done)
      done.finally(() => running.delete(done))
    }, every).unref(),
  )
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.all(running)
  }
}

/**
 * Rows that nothing asks for any more. What was used up once and for all stays for ever; sent codes stay
 * as long as they count against the limit on sending, revoked sessions as long as tokens may name them.
 */
export async function dropOld({ store, clock }: Pick<Sallyport, 'store' | 'clock'>): Promise<void> {
  const before = clock.now() - 24 * hour
  const ports = ['attempts', 'challenges', 'sessions', 'refreshTokens', 'tickets', 'devices'] as const
  for (const port of ports) await dropAll(store, (tx) => tx[port].prune(before, pruneBatch))
}

/** In stretches, so that nobody waits behind a million rows. */
async function dropAll(store: Store, prune: (tx: Tx) => Promise<number>): Promise<void> {
  while ((await store.transaction(prune)) === pruneBatch);
}

async function dropOldThreats({ config, store, clock }: Sallyport): Promise<void> {
  const {
    keep_events: keepEvents,
    repeat_window: repeatWindow,
    failed_login_window: window,
  } = config.security.threat_detection
  const now = clock.now()
  await dropAll(store, (tx) => tx.threats.prune(now - keepEvents, pruneBatch))
  // What still makes a block longer outlives the events.
  await dropAll(store, (tx) => tx.blocks.prune(now - Math.max(keepEvents, repeatWindow), pruneBatch))
  await dropAll(store, (tx) => tx.failures.prune(now - window, pruneBatch))
}
