import { pruneLedger, retireUnusedKeys, sealedPorts } from '@sallyport/core'
import type { Sallyport } from './sallyport.ts'

const hour = 3_600_000
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
  const { config, store, vault, clock, ledger } = sallyport
  const chores: Chore[] = [
    {
      name: 'keep a checkpoint of the ledger',
      every: config.ledger.checkpoint_every,
      run: () => store.transaction((tx) => tx.ledger.keepCheckpoint()),
    },
    {
      name: 'drop attempts that are over',
      every: hour,
      run: () => store.transaction((tx) => tx.attempts.prune(clock.now() - hour, pruneBatch)),
    },
    { name: 'read the key ring again', every: hour, run: () => vault.reload() },
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
      run: () => pruneLedger({ ...prune, keepSince: clock.now() - keep, actor: 'retention' }),
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
