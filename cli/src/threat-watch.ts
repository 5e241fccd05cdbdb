import type { Sallyport } from './sallyport.ts'

/** Blocks made elsewhere hold here within a second, whether or not the database can tell of them. */
const lookEvery = 500
const flushEvery = 1_000
const lastTry = 3_000

/**
 * Keeps what this process knows of addresses as the database has it. A look that fails needs no word: what is
 * known holds on, and readiness tells of the database.
 */
export async function startThreatWatch(
  { blocks, store, threatLog }: Pick<Sallyport, 'blocks' | 'store' | 'threatLog'>,
  log: { warn(facts: object, message: string): void },
): Promise<() => Promise<void>> {
  await blocks.refresh()
  const look = () => void blocks.refresh().catch(() => undefined)
  const looking = setInterval(look, lookEvery).unref()
  const flushing = setInterval(() => void threatLog.flush().catch(() => undefined), flushEvery).unref()
  const stopHearing = store.onAnnouncement(look)
  return async () => {
    clearInterval(looking)
    clearInterval(flushing)
    await stopHearing()
    await blocks.refresh().catch(() => undefined)
    const late = new Promise<void>((_, reject) =>
      setTimeout(() => reject(new Error('too late')), lastTry).unref(),
    )
    await Promise.race([threatLog.flush(), late]).catch((error: unknown) =>
      log.warn({ error, lost: threatLog.waiting }, 'threat events could not be stored before the stop'),
    )
  }
}
