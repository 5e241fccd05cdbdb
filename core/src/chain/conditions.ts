import * as z from 'zod'
import { formatAddress, formatRange, inRange, parseAddress, parseRange } from '../address.ts'
import type { EnforcementState } from '../enrolment/enforcement.ts'
import type { FactorType } from '../factors/factor.ts'
import { oneOrMany, text } from '../settings/document.ts'
import { parseHours } from './hours.ts'

/** What a gate knows when it decides. What is unknown (`null`, or left out) matches no condition on it. */
export interface DecisionFacts {
  /** Every name of the subject: id, reference, aliases, address. Case does not matter. */
  subjects: readonly string[]
  role: string | null
  company: string | null
  gate: string
  address?: string | null
  at: number
  newDevice?: boolean | null
  risk?: number | null
  /** What the score is made of, for the record: no condition asks for it. */
  riskReasons?: readonly string[]
  /** Whether a second factor is demanded of the subject, at gates where that is so; no condition asks for it. */
  enforcement?: EnforcementState['state'] | null
  /** What the subject can use now, by kind and once for each thing: two authenticators are `totp` twice. */
  enrolled: readonly FactorType[]
}

/** One line of a `when`. */
export interface Condition {
  readonly name: string
  /** What it asks for, as a person reads it. */
  readonly expected: string
  judge(facts: DecisionFacts): { matched: boolean; actual: string }
}

const unknown = { matched: false, actual: 'unknown' }
const maxEntries = 1000

/** A condition on one fact that is one of several names. */
function oneOf(name: 'roles' | 'companies' | 'gate', read: (facts: DecisionFacts) => string | null) {
  return oneOrMany(text(100), maxEntries).transform((names): Condition => {
    const set = new Set(names)
    const judge = (facts: DecisionFacts) => {
      const actual = read(facts)
      return actual === null ? unknown : { matched: set.has(actual), actual }
    }
    return { name, expected: names.join(', '), judge }
  })
}

const subjects = oneOrMany(text(320), maxEntries).transform((names): Condition => {
  const set = new Set(names.map(fold))
  return {
    name: 'subjects',
    expected: names.join(', '),
    judge: (facts) =>
      facts.subjects.length === 0
        ? unknown
        : { matched: facts.subjects.some((name) => set.has(fold(name))), actual: facts.subjects.join(', ') },
  }
})

const address = oneOrMany(parsed(parseRange, 'not an address range'), maxEntries).transform(
  (ranges): Condition => ({
    name: 'address',
    expected: ranges.map(formatRange).join(', '),
    judge(facts) {
      const known = typeof facts.address === 'string' ? parseAddress(facts.address) : null
      if (known === null) return unknown
      return { matched: ranges.some((range) => inRange(known, range)), actual: formatAddress(known) }
    },
  }),
)

const hoursForm = 'not a span of hours such as "Mon-Fri 08:00-18:00 Europe/London"'

const hours = oneOrMany(parsed(parseHours, hoursForm), maxEntries).transform(
  (spans): Condition => ({
    name: 'hours',
    expected: spans.map((span) => span.text).join(', '),
    judge: ({ at }) => ({
      matched: spans.some((span) => span.includes(at)),
      actual: new Date(at).toISOString(),
    }),
  }),
)

const newDevice = z.boolean().transform(
  (wanted): Condition => ({
    name: 'new_device',
    expected: String(wanted),
    judge: ({ newDevice: known }) =>
      known == null ? unknown : { matched: known === wanted, actual: String(known) },
  }),
)

const riskForm = 'must be ">= N" with N from 0 to 100'

const risk = parsed((asked) => {
  const least = Number(/^>= ?(\d{1,3})$/.exec(asked)?.[1] ?? Number.NaN)
  return least <= 100 ? least : null
}, riskForm).transform(
  (least): Condition => ({
    name: 'risk',
    expected: `>= ${least}`,
    judge: ({ risk: known }) =>
      known == null ? unknown : { matched: known >= least, actual: String(known) },
  }),
)

/** A `when`: all of its conditions must match. */
export const whenSchema = z
  .strictObject({
    roles: oneOf('roles', (facts) => facts.role).optional(),
    companies: oneOf('companies', (facts) => facts.company).optional(),
    subjects: subjects.optional(),
    gate: oneOf('gate', (facts) => facts.gate).optional(),
    address: address.optional(),
    hours: hours.optional(),
    new_device: newDevice.optional(),
    risk: risk.optional(),
  })
  .transform((when): readonly Condition[] =>
    Object.freeze(Object.values(when).filter((condition) => condition !== undefined)),
  )

function parsed<T>(parse: (text: string) => T | null, fault: string): z.ZodType<T> {
  return z.string().transform((written, context) => {
    const value = parse(written)
    if (value !== null) return value
    context.addIssue({ code: 'custom', message: fault })
    return z.NEVER
  })
}

function fold(name: string): string {
  return name.trim().normalize('NFC').toLowerCase()
}
