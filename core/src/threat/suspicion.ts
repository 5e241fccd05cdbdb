import { networkOf } from '../address.ts'
import type { Clock } from '../clock.ts'
import { admitGuess } from '../guard/guard.ts'
import type { Store } from '../store.ts'
import { createDetector, type DetectorSettings, type JudgedRequest, type Judgement } from './detector.ts'
import { createRapidRequests, type RapidLimits } from './rapid-requests.ts'

/** A suspicious request, as it goes among the threat events. What it held is not in it. */
export interface SuspicionReport {
  at: number
  type: 'suspicious_pattern'
  severity: 'low' | 'medium' | 'high'
  address: string
  subject: null
  application: string | null
  details: { score: number; categories: string[]; patterns: string[] }
}

export interface SuspicionSettings {
  enabled: boolean
  detector: DetectorSettings
  rapid: RapidLimits
  /** So many suspicious requests from a network … */
  threshold: number
  /** … in so many milliseconds block it. */
  within: number
}

export interface SuspicionOptions extends SuspicionSettings {
  store: Store
  clock: Clock
  record(report: SuspicionReport): void
  /** The guard's own block, which leaves out what is never to be blocked. */
  block(offence: { address: string; reason: string }): Promise<unknown>
  log: { warn(facts: object, message: string): void }
}

export interface Suspicion {
  judge(request: JudgedRequest): Judgement
  /** Counts a request of that address, and speaks up at the one too many. */
  count(address: string): void
  /**
   * Records a request that is not allowed as it is, and counts it toward a block, but for one that the address
   * is not to blame for; never waited for.
   */
  note(judgement: Judgement, from: { address: string; application?: string; blameless?: boolean }): void
  /** Resolves when what was noted so far is counted. */
  settled(): Promise<void>
}

const innocent: Judgement = { score: 0, categories: {}, patterns: [], action: 'allow' }
const tooMany: Judgement = { score: 50, categories: {}, patterns: ['rapid-requests'], action: 'suspect' }

/** What is done about what the detector sees. */
export function createSuspicion(options: SuspicionOptions): Suspicion {
  const { store, clock, enabled, detector: settings, threshold, within, log } = options
  const detector = createDetector(settings)
  const isOneTooMany = createRapidRequests(options.rapid, clock)
  const limits = {
    ...{ attempts: threshold, within, ceiling: Number.POSITIVE_INFINITY },
    // The count starts over with the block that it leads to; how long that lasts is not its business.
    ...{ lockFor: [0], decayAfter: within },
  }
  const counting = new Set<Promise<void>>()

  const note: Suspicion['note'] = (judgement, { address, application, blameless = false }) => {
    if (!enabled || judgement.action === 'allow') return
    const { score, categories, patterns } = judgement
    options.record({
      ...{ at: clock.now(), type: 'suspicious_pattern', severity: severityOf(score) },
      ...{ address, subject: null, application: application ?? null },
      details: { score, categories: Object.keys(categories), patterns },
    })
    if (settings.mode === 'observe' || blameless) return
    const counted = countHit(address).catch((error: unknown) =>
      log.warn({ error }, 'a suspicious request could not be counted'),
    )
    counting.add(counted)
    void counted.then(() => counting.delete(counted))
  }

  /** In the store, so that all nodes count together and a restart forgets nothing. */
  async function countHit(address: string): Promise<void> {
    const key = `suspicion:${networkOf(address)}`
    const reached = await store.transaction(async (tx) => {
      const admission = admitGuess(await tx.guesses.lock(key), { now: clock.now(), limits })
      if (admission.admitted) await tx.guesses.save(key, admission.record)
      return admission.admitted && admission.locksUntil !== null
    })
    if (reached) await options.block({ address, reason: `${threshold} suspicious requests` })
  }

  return {
    note,
    judge: (request) => (enabled ? detector.judge(request) : innocent),
    count(address) {
      if (enabled && isOneTooMany(address)) note(tooMany, { address })
    },
    settled: async () => void (await Promise.all(counting)),
  }
}

function severityOf(score: number): SuspicionReport['severity'] {
  if (score >= 70) return 'high'
  return score >= 50 ? 'medium' : 'low'
}
