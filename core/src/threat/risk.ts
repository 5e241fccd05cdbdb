/** Where a network is, as a GeoIP database says. */
export interface Place {
  /** ISO 3166-1, two letters. */
  country: string | null
  latitude: number | null
  longitude: number | null
}

/** What is known of one sign-in, kept to compare later ones with. */
export interface SignInFacts {
  at: number
  network: string
  place: Place | null
  /** What a person would call the browser. */
  device: string
}

/** What attackers do to many accounts at once, or from many places to one. */
export type AttackSign = 'spraying' | 'stuffing' | 'many_addresses'

export type RiskReason =
  | 'new_device'
  | 'new_network'
  | 'new_country'
  | 'impossible_travel'
  | 'unusual_hour'
  | 'address_failures'
  | AttackSign

export interface Risk {
  /** 0 to 100: the sum of the reasons' points. */
  score: number
  reasons: { reason: RiskReason; points: number }[]
}

export interface RiskQuestion {
  signIn: SignInFacts
  /** Whether the browser showed that it is trusted: then its name says no more. */
  deviceTrusted: boolean
  /** The person's completed sign-ins, newest first. */
  history: readonly SignInFacts[]
  /** Wrong passwords from this address of late. */
  failuresAtAddress: number
  attacks: readonly AttackSign[]
}

const hour = 3_600_000

/** Each reason, and what it adds. Nothing else counts. */
const points: Readonly<Record<Exclude<RiskReason, 'address_failures'>, number>> = {
  new_device: 15,
  new_network: 15,
  new_country: 25,
  impossible_travel: 40,
  unusual_hour: 10,
  spraying: 40,
  stuffing: 40,
  many_addresses: 25,
}
const pointsPerFailure = 3
const mostForFailures = 30

/** Fewer sign-ins than these are no habit. */
const leastForHabit = 10
/** Hours of the day further than this from any usual one are unusual. */
const nearHours = 2
/** Airliners are slower, and closer places are within the error of GeoIP databases. */
const fastest = 1_000
const leastDistance = 500

/** How unlike its person's others a sign-in is: a sum, each part of it named. */
export function assessRisk(question: RiskQuestion): Risk {
  const { failuresAtAddress } = question
  const named: RiskReason[] = [...unlikeBefore(question), ...new Set(question.attacks)]
  const reasons = named.map((reason) => ({ reason, points: points[reason as keyof typeof points] }))
  const forFailures = Math.min(mostForFailures, Math.max(0, failuresAtAddress) * pointsPerFailure)
  if (forFailures > 0) reasons.push({ reason: 'address_failures', points: forFailures })
  const sum = reasons.reduce((total, reason) => total + reason.points, 0)
  return { score: Math.min(100, sum), reasons }
}

/** A first sign-in is like no other, and unlike none. */
function unlikeBefore({ signIn, deviceTrusted, history }: RiskQuestion): RiskReason[] {
  const [last] = history
  if (!last) return []
  const countries = history.flatMap(({ place }) => place?.country ?? [])
  const country = signIn.place?.country ?? null
  const checks: [RiskReason, boolean][] = [
    ['new_device', !deviceTrusted && history.every(({ device }) => device !== signIn.device)],
    ['new_network', history.every(({ network }) => network !== signIn.network)],
    ['new_country', country !== null && countries.length > 0 && !countries.includes(country)],
    ['impossible_travel', isTooFast(last, signIn)],
    ['unusual_hour', isUnusualHour(signIn.at, history)],
  ]
  return checks.filter(([, applies]) => applies).map(([reason]) => reason)
}

function isTooFast(from: SignInFacts, to: SignInFacts): boolean {
  const distance = distanceBetween(from.place, to.place)
  if (distance === null || distance < leastDistance) return false
  // Either way: the clock may have been set back between the two.
  return distance / Math.max(Math.abs(to.at - from.at) / hour, 1 / 60) > fastest
}

/** In kilometres, over the surface of a sphere of the earth's size. */
function distanceBetween(from: Place | null, to: Place | null): number | null {
  if (from?.latitude == null || from.longitude == null || to?.latitude == null || to.longitude == null)
    return null
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const halfChord =
    Math.sin(radians(to.latitude - from.latitude) / 2) ** 2 +
    Math.cos(radians(from.latitude)) *
      Math.cos(radians(to.latitude)) *
      Math.sin(radians(to.longitude - from.longitude) / 2) ** 2
  return 2 * 6_371 * Math.asin(Math.sqrt(Math.min(1, halfChord)))
}

function isUnusualHour(at: number, history: readonly SignInFacts[]): boolean {
  if (history.length < leastForHabit) return false
  const now = hourOf(at)
  return history.every((before) => {
    const apart = Math.abs(hourOf(before.at) - now)
    return Math.min(apart, 24 - apart) > nearHours
  })
}

/** The hour of the day, in UTC, as a fraction: nobody's habits keep to full hours. */
function hourOf(at: number): number {
  return (at / hour) % 24
}
