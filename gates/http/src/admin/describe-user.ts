import { guessKey, isSecondFactor, judgeEnforcement, type Subject, type Tx } from '@sallyport/core'
import { iso, isSecond } from '../login/login-context.ts'
import type { GateServices } from '../services.ts'
import { isoOrNull } from './admin-context.ts'

export type DescribedUser = Awaited<ReturnType<typeof describeUser>>['user']

/** A user as a list shows them, and what the demand for a second factor and the guard know of them. */
export async function describeUser(tx: Tx, subject: Subject, { enforcement, attempts, clock }: GateServices) {
  const now = clock.now()
  const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
  const hasFactor = active.some(({ factor }) => isSecondFactor(factor))
  const demand = judgeEnforcement(enforcement, { subject, hasFactor, now })
  const guesses = await tx.guesses.find(guessKey(subject.id))
  const until = guesses?.lockedUntil ?? null
  const lockedUntil = until !== null && until > now ? until : null
  const invited = !active.some(({ factor }) => factor === 'password')
  const user = {
    id: subject.id,
    email: subject.email,
    name: subject.ref,
    role: subject.role,
    company: subject.company,
    created_at: iso(subject.createdAt),
    email_verified_at: isoOrNull(subject.emailVerifiedAt),
    disabled_at: isoOrNull(subject.disabledAt),
    status: invited ? ('invited' as const) : hasFactor ? ('enrolled' as const) : withoutFactor(demand.state),
    grace_until: isoOrNull(demand.graceUntil),
    locked: lockedUntil !== null || (guesses?.inRow ?? 0) >= attempts.limits.ceiling,
    locked_until: isoOrNull(lockedUntil),
    methods: [...new Set(active.map(({ factor }) => factor).filter(isSecond))],
  }
  return { user, demand, wrongGuesses: guesses?.inRow ?? 0 }
}

function withoutFactor(state: ReturnType<typeof judgeEnforcement>['state']) {
  return state === 'satisfied' ? ('enrolled' as const) : state
}

/** Whether a list filtered by `status` shows this user. */
export function hasStatus(user: DescribedUser, status: string | undefined): boolean {
  if (status === undefined) return true
  if (status === 'locked') return user.locked
  if (status === 'disabled') return user.disabled_at !== null
  return user.status === status
}
