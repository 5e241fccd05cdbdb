import type { Store, Tx } from '../store.ts'
import type { ThreatReport } from './event.ts'

const batch = 500

export interface ThreatLog {
  /** Takes a report without holding up whoever makes it. */
  record(report: ThreatReport): void
  /** Resolves once everything taken so far is stored; rejects when it cannot be, and keeps it for the next try. */
  flush(): Promise<void>
  readonly waiting: number
  /** Reports that found the queue full, since the start. */
  readonly lost: number
}

export interface ThreatLogOptions {
  store: Store
  log: { warn(facts: object, message: string): void }
  /** How many reports may wait; those beyond are counted and lost. */
  most?: number
  /** Joins the commit that stores the reports. */
  alongside?(tx: Tx, reports: readonly ThreatReport[]): Promise<void>
}

/** Threat events on their way to the store, many to a commit. A clean stop flushes them. */
export function createThreatLog({ store, log, most = 10_000, alongside }: ThreatLogOptions): ThreatLog {
  let queue: ThreatReport[] = []
  let writing: Promise<void> | null = null
  let lost = 0
  let told = 0

  async function write(): Promise<void> {
    while (queue.length > 0) {
      const reports = queue.slice(0, batch)
      await store.transaction(async (tx) => {
        await tx.threats.append(reports)
        await alongside?.(tx, reports)
      })
      queue = queue.slice(reports.length)
    }
    if (lost > told) log.warn({ lost: lost - told }, 'threat events were lost: too many came at once')
    told = lost
  }

  const flush = (): Promise<void> => {
    writing ??= write().finally(() => (writing = null))
    return writing
  }

  return {
    record(report) {
      if (queue.length >= most) lost++
      else queue.push(report)
      // What cannot be stored now waits for the next report, or for who calls `flush` now and then.
      flush().catch(() => undefined)
    },
    flush,
    get waiting() {
      return queue.length
    },
    get lost() {
      return lost
    },
  }
}
