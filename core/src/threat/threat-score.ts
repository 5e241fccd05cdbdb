/** What is known of an address: of the last hour, the last day, and the last month. */
export interface AddressHistory {
  isBlocked: boolean
  failures: number
  patterns: number
  earlierBlocks: number
}

export interface ThreatScore {
  /** From 0 to 100. */
  score: number
  reasons: { reason: string; points: number }[]
}

/** A sum that anybody can do again: so many points for each, up to so many. */
const rules = [
  { reason: 'blocked now', each: 50, most: 50, of: ({ isBlocked }: AddressHistory) => Number(isBlocked) },
  {
    reason: 'failed sign-ins in the last hour',
    each: 5,
    most: 45,
    of: (seen: AddressHistory) => seen.failures,
  },
  {
    reason: 'suspicious requests in the last day',
    each: 10,
    most: 40,
    of: (seen: AddressHistory) => seen.patterns,
  },
  { reason: 'earlier blocks', each: 10, most: 30, of: (seen: AddressHistory) => seen.earlierBlocks },
]

export function scoreAddress(history: AddressHistory): ThreatScore {
  const reasons = rules
    .map(({ reason, each, most, of }) => ({ reason, points: Math.min(most, each * of(history)) }))
    .filter(({ points }) => points > 0)
  const score = Math.min(
    100,
    reasons.reduce((sum, { points }) => sum + points, 0),
  )
  return { score, reasons }
}
