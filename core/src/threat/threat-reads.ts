import { type AddressRange, formatRange } from '../address.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store.ts'
import { readRange } from './address-view.ts'
import type { Block } from './block.ts'
import type { Blocks } from './blocks.ts'
import type { ThreatSummary } from './event.ts'
import type { ThreatLog } from './threat-log.ts'
import { scoreAddress, type ThreatScore } from './threat-score.ts'

const hour = 3_600_000

export interface CheckedAddress extends ThreatScore {
  /** The one spelling of what was asked for. */
  address: string
  /** What stands against it, the longest first. */
  blocks: Block[]
}

export interface ThreatReads {
  /** What is known of an address; `null` where it is none. */
  check(address: string): Promise<CheckedAddress | null>
  /** The last hours, by the clock's hours: the one that has begun and as many before it. */
  summary(hours: number): Promise<ThreatSummary>
}

/** What operators ask: answered by the database, with what was reported up to now. */
export function createThreatReads(options: {
  store: Store
  clock: Clock
  blocks: Blocks
  threatLog: ThreatLog
  limits: { within: number; repeatWithin: number }
}): ThreatReads {
  const { store, clock, blocks, threatLog, limits } = options

  async function check(text: string): Promise<CheckedAddress | null> {
    const range = readRange(text)
    if (!range) return null
    await threatLog.flush()
    const now = clock.now()
    const network = formatRange(range)
    return store.read(async (tx) => {
      const covering = blocks.isSpared(range) ? [] : await tx.blocks.covering(around(range), now)
      const failures = (await tx.failures.find(network)).filter(({ at }) => now - at < limits.within)
      const counts = await tx.threats.countAt(network, now - 24 * hour)
      const earlier = await tx.blocks.countAutomatic(network, now - limits.repeatWithin)
      const isBlockedByGuard = covering.some(({ kind }) => kind === 'automatic')
      const history = {
        isBlocked: covering.length > 0,
        failures: failures.length,
        patterns: counts.suspicious_pattern ?? 0,
        earlierBlocks: Math.max(0, earlier - Number(isBlockedByGuard)),
      }
      return { address: network, blocks: covering, ...scoreAddress(history) }
    })
  }

  async function summary(hours: number): Promise<ThreatSummary> {
    await threatLog.flush()
    const to = Math.floor(clock.now() / hour) * hour
    return store.read((tx) => tx.threats.summary({ from: to - hours * hour, to }))
  }

  return { check, summary }
}

/** The range itself and every wider one around it, as blocks spell them. */
function around({ family, value, prefix }: AddressRange): string[] {
  const bits = BigInt(family === 4 ? 32 : 128)
  return Array.from({ length: prefix + 1 }, (_, length) => {
    const open = bits - BigInt(length)
    return formatRange({ family, value: (value >> open) << open, prefix: length })
  })
}
