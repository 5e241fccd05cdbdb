import type { Attempt } from '../chain/attempt.ts'
import type { StartRequest } from '../chain/attempt-calls.ts'
import { lockSubject } from '../chain/attempt-context.ts'
import type { Attempts } from '../chain/attempts.ts'
import { stepKinds } from '../chain/policy.ts'
import { type GatePolicies, parseGatePolicies } from '../chain/rules.ts'
import type { Clock } from '../clock.ts'
import { type Enforcement, isSecondFactor, judgeEnforcement } from '../enrolment/enforcement.ts'
import { type FactorType, factorTypes, isUsable } from '../factors/factor.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import { loginGate } from '../subject/subjects.ts'
import type { AttackSign } from '../threat/risk.ts'
import type { SignInRisk } from '../threat/sign-in-risk.ts'
import type { DeviceGrant, Devices } from './devices.ts'
import type { PasswordCheck } from './password-check.ts'
import type { Session } from './session.ts'
import type { OpenedSession, Sessions } from './sessions.ts'

/** Where a request comes from, as a session remembers it. */
export interface Origin {
  address: string
  userAgent: string | null
}

export interface PasswordSignIn extends Origin {
  /** The address, or any other name of the account. */
  email: string
  password: string
  /** What the browser keeps of having been trusted. */
  deviceToken?: string | null
}

export interface SignedIn {
  status: 'signed_in'
  session: Session
  refreshToken: string
  subject: Subject
  /** Until when a second factor must be enrolled; `null` where none is due. */
  graceUntil: number | null
}

export interface PendingSignIn {
  status: 'mfa'
  attempt: Attempt
  subject: Subject
  /** What the next step takes, the one to offer first. */
  methods: FactorType[]
}

export interface MustEnrol {
  status: 'must_enrol'
  session: Session
  subject: Subject
}

type Decided = SignedIn | PendingSignIn | MustEnrol | { status: 'denied'; rule: string }

export type SignInOutcome =
  /** With the token that a trusted browser keeps from now on, whether it was needed or not. */
  | (Decided & { device: DeviceGrant | null })
  /** A wrong password, an unknown account, a disabled one: nobody is told which. */
  | { status: 'refused' }
  | { status: 'throttled'; until: number }
  | { status: 'busy' }

export type Finish =
  | SignedIn
  | { status: 'proved'; session: Session; subject: Subject }
  | { status: 'refused' }

export type StepUpOutcome = PendingSignIn | { status: 'nothing_enrolled' } | { status: 'refused' }

export interface SignIn {
  withPassword(request: PasswordSignIn): Promise<SignInOutcome>
  /** What the attempt's next step takes now: the last used first, the ways back in last. */
  methods(attempt: Attempt): Promise<FactorType[]>
  /** The grant of a completed attempt, for `attempts.verify`: a session, or fresh proof for one. */
  finish(tx: Tx, attempt: Attempt, origin: Origin): Promise<Finish>
  /** Begins an attempt that gives a session fresh proof. */
  stepUp(session: Session): Promise<StepUpOutcome>
  /**
   * Goes on with a sign-in that had to enrol a factor first. The factor just confirmed counts for a chain of
   * one step; a longer one is walked from its start. The session that could only enrol ends with it.
   */
  afterEnrolment(
    request: { session: Session; enrolmentId: string } & Origin,
  ): Promise<Decided | { status: 'refused' }>
}

export interface SignInOptions {
  store: Store
  attempts: Attempts
  sessions: Sessions
  devices: Devices
  risk: SignInRisk
  passwordCheck: PasswordCheck
  clock: Clock
  policies: GatePolicies
  enforcement: Enforcement
}

const secondFactors = factorTypes.filter((kind) => kind !== 'password')

const byPassword = { factors: ['password'], proved: false } as const

/** Whatever the policies of the login gate, fresh proof is one step by anything that is enrolled. */
const stepUpPolicies = parseGatePolicies({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'proof', label: 'Second factor', any_of: secondFactors }],
})

export function createSignIn(options: SignInOptions): SignIn {
  const { store, attempts, sessions, devices, risk, passwordCheck, clock, policies, enforcement } = options

  async function withPassword(request: PasswordSignIn): Promise<SignInOutcome> {
    const { email: name, password, address, userAgent, deviceToken: token = null } = request
    const origin = { address, userAgent }
    const seen = token === null ? null : await devices.recognise(token)
    const judged = await passwordCheck.judge({
      ...{ name, password, address, userAgent },
      deviceOf: seen?.subjectId ?? null,
    })
    if (judged.status !== 'judged') return judged
    const guess = { address, account: name, password }
    const attacks = risk.watch.signsOf(guess)
    const outcome = await store.transaction(async (tx): Promise<SignInOutcome> => {
      const subject = await passwordCheck.accept(tx, judged)
      if (!subject) return { status: 'refused' }
      const device = token === null ? null : await devices.admit(tx, { token, subject, ...origin })
      return { ...(await decideNext(tx, subject, { origin, device, attacks })), device }
    })
    if (outcome.status === 'refused') risk.watch.failed(guess)
    return outcome
  }

  /** What comes after the first factor. The subject's lock is held. */
  async function decideNext(
    tx: Tx,
    subject: Subject,
    context: { origin: Origin; device: DeviceGrant | null; attacks: readonly AttackSign[] },
  ): Promise<Decided> {
    const { origin, device, attacks } = context
    const asked = { subjectId: subject.id, ...origin, deviceTrusted: device !== null, attacks }
    const assessed = await risk.assess(tx, asked)
    const facts = {
      address: origin.address,
      newDevice: devices.enabled ? device === null : null,
      risk: assessed.score,
      riskReasons: assessed.reasons.map(({ reason }) => reason),
    }
    const decided = await decideBy(tx, subject, { origin, device, facts })
    const id =
      decided.status === 'mfa' ? decided.attempt.id : 'session' in decided ? decided.session.id : null
    const complete = decided.status === 'signed_in'
    if (id !== null) await risk.keep(tx, { ...assessed, id, subjectId: subject.id, complete })
    return decided
  }

  async function decideBy(
    tx: Tx,
    subject: Subject,
    context: { origin: Origin; device: DeviceGrant | null; facts: NonNullable<StartRequest['facts']> },
  ): Promise<Decided> {
    const { origin, device, facts } = context
    const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
    const hasFactor = active.some(({ factor }) => isSecondFactor(factor))
    const demand = judgeEnforcement(enforcement, { subject, hasFactor, now: clock.now() })
    const { requiredSince } = demand
    // Kept for those who have a factor as well: who loses it has had their days of grace.
    if (requiredSince !== subject.requiredSince) await tx.subjects.update(subject.id, { requiredSince })
    const known = { ...facts, enforcement: demand.state }
    const outcome = await attempts.startIn(tx, {
      gate: loginGate,
      purpose: 'sign-in',
      subject,
      policies,
      facts: known,
    })
    if (outcome.status === 'denied') return outcome
    if (outcome.status === 'pending') {
      const { attempt } = outcome
      if (device === null || !attempt.trustedDevices) return pending(tx, attempt, subject)
      await leaveOut(tx, attempt, device)
      return openWith(tx, { subject, origin, graceUntil: null })
    }
    if (outcome.status === 'must_enrol') {
      const { session } = await sessions.open(tx, { ...byPassword, subject, ...origin, kind: 'enrolling' })
      return { status: 'must_enrol', session, subject }
    }
    return openWith(tx, { subject, origin, graceUntil: demand.graceUntil })
  }

  /** With nothing proved but the password. */
  async function openWith(
    tx: Tx,
    { subject, origin, graceUntil }: { subject: Subject; origin: Origin; graceUntil: number | null },
  ): Promise<SignedIn> {
    const opened = await sessions.open(tx, { ...byPassword, subject, ...origin, kind: 'full' })
    return signedIn(opened, { subject, graceUntil })
  }

  async function pending(tx: Tx, attempt: Attempt, subject: Subject): Promise<PendingSignIn> {
    return { status: 'mfa', attempt, subject, methods: await methodsIn(tx, attempt) }
  }

  async function finish(tx: Tx, attempt: Attempt, origin: Origin): Promise<Finish> {
    const subject = await tx.subjects.find(attempt.subjectId)
    if (!subject || subject.disabledAt !== null || attempt.gate !== loginGate) return { status: 'refused' }
    const factors = attempt.passed.map((step) => step.factor)
    if (attempt.purpose === 'sign-in') {
      await risk.completed(tx, attempt.id)
      return openFull(tx, { subject, factors: ['password', ...factors], origin })
    }
    // Signed in with no password at all: the passkey was both factors.
    if (attempt.purpose === 'passkey') return openFull(tx, { subject, factors, origin })
    const proved =
      attempt.purpose === 'step-up' && attempt.session !== null
        ? await sessions.prove(tx, attempt.session, factors)
        : null
    return proved ? { status: 'proved', session: proved, subject } : { status: 'refused' }
  }

  async function openFull(
    tx: Tx,
    proof: { subject: Subject; factors: readonly FactorType[]; origin: Origin },
  ): Promise<SignedIn> {
    const { subject, factors, origin } = proof
    const opening = { subject, factors, proved: true, ...origin }
    return signedIn(await sessions.open(tx, { ...opening, kind: 'full' }), { subject, graceUntil: null })
  }

  async function stepUp(session: Session): Promise<StepUpOutcome> {
    return store.transaction(async (tx): Promise<StepUpOutcome> => {
      const found = await sessions.findIn(tx, session.id)
      if (!found) return { status: 'refused' }
      const { subject } = found
      // Signing out elsewhere ends the attempts under way: this one must not begin in between.
      await lockSubject(tx, subject.id)
      const request = {
        gate: loginGate,
        purpose: 'step-up',
        subject,
        policies: stepUpPolicies,
        session: session.id,
      }
      const outcome = await attempts.startIn(tx, request)
      if (outcome.status !== 'pending') return { status: 'nothing_enrolled' }
      return pending(tx, outcome.attempt, subject)
    })
  }

  async function afterEnrolment(request: { session: Session; enrolmentId: string } & Origin) {
    const { session, enrolmentId, address, userAgent } = request
    const origin = { address, userAgent }
    return store.transaction(async (tx): Promise<Decided | { status: 'refused' }> => {
      await lockSubject(tx, session.subjectId)
      const found = await sessions.findIn(tx, session.id)
      const confirmed = await tx.enrolments.find(enrolmentId)
      if (found?.session.kind !== 'enrolling' || !isConfirmedIn(session, confirmed)) {
        return { status: 'refused' }
      }
      const { subject } = found
      await tx.sessions.revoke(session.id, clock.now())
      const next = await decideNext(tx, subject, { origin, device: null, attacks: [] })
      const only = next.status === 'mfa' && next.attempt.chain.length === 1 ? next.attempt : null
      if (!only || !stepKinds(only.chain[0]!).includes(confirmed.factor)) return next
      await risk.completed(tx, only.id)
      await complete(tx, only, { enrolmentId, factor: confirmed.factor })
      return openFull(tx, { subject, factors: ['password', confirmed.factor], origin })
    })
  }

  /** A trusted browser stands in the place of the chain: it lets its owner in, and proves nothing (P5). */
  async function leaveOut(tx: Tx, attempt: Attempt, { device }: DeviceGrant): Promise<void> {
    const data = { attempt: attempt.id, purpose: attempt.purpose, factors: [], device: device.id }
    await tx.attempts.replace({ ...attempt, status: 'complete', revision: attempt.revision + 1 })
    const { subjectId: subject } = attempt
    tx.ledger.append({ type: 'attempt.completed', at: clock.now(), subject, gate: loginGate, data })
  }

  /** Passes an attempt's only step by an enrolment that was confirmed a moment ago. */
  async function complete(
    tx: Tx,
    attempt: Attempt,
    by: { enrolmentId: string; factor: FactorType },
  ): Promise<void> {
    const at = clock.now()
    const passed = [{ stepId: attempt.chain[0]!.id, at, ...by }]
    const revision = attempt.revision + 1
    await tx.attempts.replace({ ...attempt, passed, cursor: 1, status: 'complete', revision })
    const data = { attempt: attempt.id, purpose: attempt.purpose, factors: [by.factor] }
    tx.ledger.append({ type: 'attempt.completed', at, subject: attempt.subjectId, gate: loginGate, data })
  }

  async function methodsIn(tx: Tx, attempt: Attempt): Promise<FactorType[]> {
    const step = attempt.chain[attempt.cursor]
    if (!step) return []
    const all = await tx.enrolments.listBySubject(attempt.subjectId, { status: 'active' })
    const active = all.filter(isUsable)
    const used = new Set(attempt.passed.map(({ enrolmentId }) => enrolmentId))
    const lastUse = (kind: FactorType) => {
      // Backup codes come last, whenever they were used: they are the way back, not the way.
      if (kind === 'backup') return Number.NEGATIVE_INFINITY
      return Math.max(
        -1,
        ...active.filter(({ factor }) => factor === kind).map((held) => held.lastUsedAt ?? 0),
      )
    }
    return stepKinds(step)
      .filter((kind) => {
        const held = active.filter(({ factor }) => factor === kind)
        // The account's address needs no enrolment; anything else passes one step with one enrolment.
        return held.length === 0 ? kind === 'email' : held.some(({ id }) => !used.has(id))
      })
      .sort((a, b) => lastUse(b) - lastUse(a))
  }

  return {
    ...{ withPassword, finish, stepUp, afterEnrolment },
    methods: (attempt) => store.read((tx) => methodsIn(tx, attempt)),
  }
}

function signedIn(
  { session, refreshToken }: OpenedSession,
  more: Pick<SignedIn, 'subject' | 'graceUntil'>,
): SignedIn {
  return { status: 'signed_in', session, refreshToken: refreshToken!, ...more }
}

/** Whether this is a second factor that was confirmed in this session. */
function isConfirmedIn(session: Session, enrolment: Enrolment | null): enrolment is Enrolment {
  return (
    enrolment?.subjectId === session.subjectId &&
    enrolment.status === 'active' &&
    isSecondFactor(enrolment.factor) &&
    (enrolment.confirmedAt ?? 0) >= session.createdAt
  )
}
