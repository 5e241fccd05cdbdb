import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createShipper, randomId } from '@sallyport/core'
import {
  type createAlerts,
  createForwarding,
  createHeartbeatLog,
  createIntegrity,
  createTamperWatch,
  type Shim,
  type ShimConfig,
  type ShimLog,
  sensorRules,
  type systemTimers,
} from '@sallyport/gate-serial'
import type { ShimFoundation } from './open-shim.ts'

const shipEvery = 1_000
const retainEvery = 60_000

interface EvidenceParts extends ShimFoundation {
  config: ShimConfig
  configFile: string
  shim: Shim
  alerts: ReturnType<typeof createAlerts>
  timers: typeof systemTimers
  log: ShimLog
}

/** The watch over the box, what is shipped of it, and what of the recordings is let go. */
export async function startEvidence(parts: EvidenceParts): Promise<{ ship(): void; stop(): Promise<void> }> {
  const { config, configFile, shim, store, clock, recorder, log } = parts
  const directory = config.storage.dir
  const shipping = await startShipping(parts, join(directory, 'sessions'))
  const watch = await createTamperWatch({
    ...parts,
    heartbeats: createHeartbeatLog(join(directory, 'heartbeats')),
    sensors: sensorRules(config.tamper.sensors),
    integrity: createIntegrity({
      ...{ configFile, program: programPaths(), command: config.integrity.command },
    }),
  })

  /** Not while the clock is not to be trusted: one set forward makes everything old. */
  async function retain(): Promise<void> {
    if (!(await shim.status()).clock.trusted) return
    await recorder.retain({
      forwarded: shipping.forwarded,
      async onRemove({ session, technician, bytes, because, forwarded }) {
        const data = { session, technician, bytes, because, forwarded }
        const at = clock.now()
        await store.transaction(async (tx) =>
          tx.ledger.append({ type: 'recording.removed', at, gate: 'serial', data }),
        )
      },
    })
  }
  let retaining: Promise<void> = Promise.resolve()
  const look = () => {
    retaining = retain().catch((error: unknown) => log.error({ err: error }, 'no recording could be removed'))
  }
  look()
  const timer = setInterval(look, retainEvery)
  return {
    ship: shipping.kick,
    async stop() {
      clearInterval(timer)
      await retaining
      await watch.stop()
      await shipping.stop()
    },
  }
}

/** Ships the ledger, alerts, heartbeats and, where it is asked for, the recordings themselves. */
async function startShipping({ config, store, clock, random, log }: EvidenceParts, dir: string) {
  // What a gate without a SIEM does not need is not loaded.
  const siem = config.siem === undefined ? null : (await import('../siem.ts')).siemOf(config)
  if (siem === null || config.siem === undefined) {
    return { kick() {}, forwarded: async () => false, stop: async () => {} }
  }
  const holder = `${hostname()}:${process.pid}:${randomId(random)}`
  const { transport, format } = siem
  const shipper = createShipper({ store, clock, holder, transport, format, log })
  const { sessions, spool } = config.siem
  const forwarding = createForwarding({ dir, store, clock, mostEvents: spool.max_events })
  let stepping: Promise<void> | null = null
  const look = async () => {
    try {
      if (sessions === 'full') await forwarding.step()
    } catch (error) {
      log.error({ err: error }, 'a recording could not be handed over')
    } finally {
      stepping = null
    }
    await shipper.kick()
  }
  const kick = () => {
    stepping ??= look()
  }
  const timer = setInterval(kick, shipEvery)
  return {
    kick,
    // Where only facts are shipped, the SIEM has had no recording.
    forwarded: async (session: string) => sessions === 'full' && forwarding.forwarded(session),
    async stop() {
      clearInterval(timer)
      await stepping
      await shipper.stop()
    },
  }
}

/** Where the product's own code lies: packages beside this one in a checkout, one folder when it was packed. */
function programPaths(): string[] {
  const here = fileURLToPath(import.meta.url)
  if (!here.endsWith('.ts')) return [dirname(here)]
  const names = ['core', 'store', 'adapters', 'gate-serial'].map((name) => `@sallyport/${name}`)
  return [dirname(dirname(here)), ...names.map((name) => dirname(fileURLToPath(import.meta.resolve(name))))]
}
