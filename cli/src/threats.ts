import {
  createBlocks,
  createSuspicion,
  createThreatLog,
  createThreatReads,
  randomId,
  type SiemEvent,
  type SuspicionSettings,
  type ThreatReport,
  type Tx,
} from '@sallyport/core'
import type { Config } from './config.ts'
import type { Foundation } from './foundation.ts'

interface ThreatsOptions {
  log: { warn(facts: object, message: string): void }
  /** Stores what leaves for the SIEM beside the events themselves. */
  spoolForSiem(tx: Tx, events: readonly SiemEvent[]): Promise<void>
}

/** What happens to addresses that attack, and what is told of it. */
export function createThreats(foundation: Foundation, { log, spoolForSiem }: ThreatsOptions) {
  const { config, store, clock, random } = foundation
  const settings = config.security.threat_detection
  const alongside = (tx: Tx, reports: readonly ThreatReport[]) =>
    spoolForSiem(
      tx,
      reports.map((report) => ({ ...report, id: `threat:${randomId(random)}` })),
    )
  const threatLog = createThreatLog({ store, log, alongside })
  const limits = {
    enabled: settings.enabled,
    failures: settings.failed_login_threshold,
    within: settings.failed_login_window,
    blockFor: settings.ip_block_duration,
    longest: Math.max(settings.ip_block_longest, settings.ip_block_duration),
    repeatWithin: settings.repeat_window,
  }
  const exempt = [...config.trusted_proxies, ...settings.allow_list]
  const tracked = settings.tracked_addresses
  const blocks = createBlocks({ store, clock, random, threatLog, limits, exempt, tracked })
  const suspicion = createSuspicion({
    ...{ ...suspicionSettings(config), store, clock, log },
    record: threatLog.record,
    block: blocks.blockAutomatically,
  })
  const threatReads = createThreatReads({ store, clock, blocks, threatLog, limits })
  return { blocks, suspicion, threatLog, threatReads }
}

function suspicionSettings({ security }: Config): SuspicionSettings {
  const { enabled, mode, scores, weights, rapid, ...settings } = security.threat_detection
  const asFactor = (percent: number) => percent / 100
  return {
    enabled,
    detector: {
      ...{ mode, scores },
      weights: {
        scanner: asFactor(weights.scanner),
        sqli: asFactor(weights.sqli),
        xss: asFactor(weights.xss),
        traversal: asFactor(weights.traversal),
        command: asFactor(weights.command),
      },
    },
    rapid,
    threshold: settings.suspicious_pattern_threshold,
    within: settings.suspicious_pattern_window,
  }
}
