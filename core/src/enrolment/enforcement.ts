import type { FactorType } from '../factors/factor.ts'
import type { Enrolment, Subject } from '../store.ts'

export interface EnforcementRule {
  /** Whether a second factor must be enrolled. */
  required: boolean
  /** How long somebody may go without one, from the day they fall under the rule; in milliseconds. */
  grace: number
}

/** The rule for everyone, and rules that stand in its place for some roles. */
export interface Enforcement extends EnforcementRule {
  roles: Readonly<Record<string, EnforcementRule>>
}

export const defaultEnforcement: Enforcement = { required: false, grace: 7 * 24 * 3_600_000, roles: {} }

const states = ['optional', 'satisfied', 'grace', 'must_enrol'] as const

export interface EnforcementState {
  required: boolean
  /** `must_enrol`: the grace is over, and a sign-in yields nothing but the enrolment of a factor. */
  state: (typeof states)[number]
  graceUntil: number | null
  /** Since when the subject falls under the rule; to be kept with the subject where it differs. */
  requiredSince: number | null
}

export function isEnforcementState(value: unknown): value is EnforcementState['state'] {
  return states.includes(value as EnforcementState['state'])
}

export function judgeEnforcement(
  enforcement: Enforcement,
  facts: { subject: Pick<Subject, 'role' | 'requiredSince'>; hasFactor: boolean; now: number },
): EnforcementState {
  const { subject, hasFactor, now } = facts
  const rule = ruleFor(enforcement, subject.role)
  if (!rule.required) {
    const state = hasFactor ? 'satisfied' : 'optional'
    return { required: false, state, graceUntil: null, requiredSince: null }
  }
  // A day that lies ahead was written by a clock that has been mended since. It is drawn back to now, so
  // that no grace lasts longer than its length.
  const requiredSince = Math.min(subject.requiredSince ?? now, now)
  if (hasFactor) return { required: true, state: 'satisfied', graceUntil: null, requiredSince }
  const graceUntil = requiredSince + rule.grace
  const inGrace = now < graceUntil
  return {
    required: true,
    state: inGrace ? 'grace' : 'must_enrol',
    graceUntil: inGrace ? graceUntil : null,
    requiredSince,
  }
}

/**
 * Whether this kind of factor meets a demand for a second one. A password is the first, and backup codes
 * are the way back to a factor that was lost, not a factor to live with.
 */
export function isSecondFactor(kind: FactorType): boolean {
  return kind !== 'password' && kind !== 'backup'
}

/** The last factor stays where one is demanded. `active` are all the subject's active enrolments. */
export function canRemoveFactor(
  enforcement: Enforcement,
  removal: { subject: Pick<Subject, 'role'>; active: readonly Enrolment[]; enrolmentId: string },
): boolean {
  const { subject, active, enrolmentId } = removal
  if (!ruleFor(enforcement, subject.role).required) return true
  const factors = active.filter(({ factor }) => isSecondFactor(factor))
  return factors.some(({ id }) => id !== enrolmentId) || !factors.some(({ id }) => id === enrolmentId)
}

/** The rule that a role falls under. */
export function ruleFor({ roles, ...everyone }: Enforcement, role: string): EnforcementRule {
  return Object.hasOwn(roles, role) ? roles[role]! : everyone
}
