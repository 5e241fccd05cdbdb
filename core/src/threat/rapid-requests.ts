import { networkOf } from '../address.ts'
import type { Clock } from '../clock.ts'

export interface RapidLimits {
  /** More than so many requests … */
  requests: number
  /** … in so many milliseconds are too many. */
  within: number
}

export const defaultRapidLimits: RapidLimits = { requests: 120, within: 10_000 }

/** How many networks are kept in mind; the one seen first goes when another comes. */
const mostNetworks = 20_000

/** Counts requests by network. Answers `true` once a span, at the first request that is too many. */
export function createRapidRequests(
  limits: RapidLimits,
  clock: Pick<Clock, 'now'>,
): (address: string) => boolean {
  const seen = new Map<string, { from: number; count: number }>()
  return (address) => {
    const network = address.includes(':') ? networkOf(address) : address
    const now = clock.now()
    const span = seen.get(network)
    // A span that begins ahead of now was begun by a clock that has been set back since.
    if (span && now >= span.from && now < span.from + limits.within)
      return ++span.count === limits.requests + 1
    seen.delete(network)
    if (seen.size >= mostNetworks) seen.delete(seen.keys().next().value!)
    seen.set(network, { from: now, count: 1 })
    return false
  }
}
