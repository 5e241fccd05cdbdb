import { join } from 'node:path'
import type { Clock, SiemSeverity, Store } from '@sallyport/core'
import type { Timers } from '../timers.ts'
import { createDurable } from './durable-file.ts'

const retryAfter = 5_000

/** What an alert is of, and the type of its ledger entry, which goes to the SIEM before all others. */
const entryTypes = {
  tamper: 'tamper.detected',
  'sensor-fault': 'sensor.failed',
  clock: 'clock.set_back',
  'break-glass': null,
  'emergency-stop': 'line.stopped',
  'recording-gap': null,
  'bundle-refused': 'bundle.refused',
  'bundle-expired': 'bundle.expired',
  'bundle-expiring': 'bundle.expiring',
} as const

/** As the SIEM has them. */
const severities: Readonly<Record<AlertKind, SiemSeverity>> = {
  tamper: 'critical',
  'sensor-fault': 'high',
  clock: 'high',
  'break-glass': 'critical',
  'emergency-stop': 'high',
  'recording-gap': 'high',
  'bundle-refused': 'high',
  'bundle-expired': 'high',
  'bundle-expiring': 'medium',
}

export type AlertKind = keyof typeof entryTypes
export type AlertData = Record<string, string | number | null>

export interface Alerts {
  /** Resolves when it is in its file and in the ledger. Never rejects: what fails is tried again. */
  raise(kind: AlertKind, data: AlertData): Promise<void>
  stop(): void
}

interface Waiting {
  kind: AlertKind
  at: number
  data: AlertData
  filed: boolean
}

/** One file for each alert, `alerts/<time>.<kind>.json`; the ledger has it for the SIEM. */
export function createAlerts(parts: {
  dir: string
  store: Store
  clock: Clock
  timers: Timers
  device: string
  log: { error(facts: object, message: string): void }
  /** Something worth an alert waits to be shipped. */
  urgent(): void
}): Alerts {
  const { dir, store, clock, timers, device, log } = parts
  const waiting = new Set<Waiting>()
  let cancel: (() => void) | null = null

  async function file({ kind, at, data }: Waiting): Promise<void> {
    const text = `${JSON.stringify({ kind, severity: severities[kind], at: new Date(at).toISOString(), device, ...data }, null, 2)}\n`
    const name = new Date(at).toISOString().replaceAll(':', '-')
    for (let take = 1; ; take++) {
      const path = join(dir, `${name}${take > 1 ? `~${take}` : ''}.${kind}.json`)
      try {
        return await createDurable(path, text)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || take > 1_000) throw error
      }
    }
  }

  async function keep(one: Waiting): Promise<void> {
    const { kind, at, data } = one
    try {
      if (!one.filed) await file(one)
      one.filed = true
      const type = entryTypes[kind]
      if (type !== null)
        await store.transaction(async (tx) =>
          tx.ledger.append({ type, at, gate: 'serial', data: { device, ...data } }),
        )
      waiting.delete(one)
      parts.urgent()
    } catch (error) {
      log.error({ alert: kind, err: error }, 'an alert could not be kept; trying again')
      cancel ??= timers.after(retryAfter, () => {
        cancel = null
        for (const another of waiting) void keep(another)
      })
    }
  }

  return {
    async raise(kind, data) {
      const one = { kind, at: clock.now(), data, filed: false }
      waiting.add(one)
      log.error({ alert: kind, ...data }, 'alert')
      await keep(one)
    },
    stop: () => cancel?.(),
  }
}
