import { type Clock, type Random, randomId } from '../clock.ts'
import { MfaChainBreached } from '../errors.ts'
import type { Factor, FactorMatch, FactorType } from '../factors/factor.ts'
import {
  type Admission,
  admitGuess,
  breakRow,
  defaultGuessLimits,
  type GuessLimits,
  refundGuess,
} from '../guard/guard.ts'
import type { LedgerRecord } from '../ledger/entry.ts'
import { consume } from '../once.ts'
import type { Enrolment, SealedSecret, Store, Subject, Tx } from '../store.ts'
import type { Attempt } from './attempt.ts'
import { drawChain } from './draw.ts'
import { stepKinds } from './policy.ts'
import { type DecisionFacts, decide, type GatePolicies } from './rules.ts'

const fiveMinutes = 5 * 60_000
const clockSkew = 60_000

export interface AttemptsOptions {
  store: Store
  factors: readonly Factor[]
  /** Opens what an enrolment keeps sealed: the vault. */
  vault: { open(sealed: { subject: string; purpose: string; sealed: SealedSecret }): Promise<Uint8Array> }
  clock: Clock
  random: Random
  limits?: GuessLimits
  /** How long an attempt lives, in milliseconds. */
  lifetime?: number
}

export interface StartRequest {
  gate: string
  /** What the grant is for: `sign-in`, `step-up`, … */
  purpose: string
  subject: Subject
  policies: GatePolicies
  /** What the gate knows of this sign-in; what it does not know matches no condition that asks for it. */
  facts?: Pick<DecisionFacts, 'address' | 'newDevice' | 'risk'>
}

export type StartOutcome =
  | { status: 'allowed'; rule: string }
  | { status: 'denied'; rule: string }
  | { status: 'must_enrol'; rule: string }
  | { status: 'pending'; attempt: Attempt }

export interface VerifyRequest<Grant = undefined> {
  attemptId: string
  /** Exactly what was sent. */
  input: unknown
  /** Restricts which of the step's kinds may match; by default every kind whose codes look like this. */
  method?: FactorType
  /** The step that the caller believes is next. */
  stepId?: string
  /** What a completed attempt yields, made in the same commit that completes it. */
  grant?: (tx: Tx, attempt: Attempt) => Promise<Grant>
}

export type VerifyOutcome<Grant = undefined> =
  | { status: 'complete'; attempt: Attempt; grant: Grant }
  | { status: 'advanced'; attempt: Attempt }
  | { status: 'rejected'; attempt: Attempt; reset: boolean; attemptsLeft: number }
  | { status: 'locked'; until: number | null }
  | { status: 'gone'; reason: 'unknown' | 'finished' | 'expired' }

export interface Attempts {
  start(request: StartRequest): Promise<StartOutcome>
  /** The attempt, if it can still be walked. */
  find(id: string): Promise<Attempt | null>
  verify<Grant = undefined>(request: VerifyRequest<Grant>): Promise<VerifyOutcome<Grant>>
  /** Ends a pending attempt for good: signing out, a changed password. */
  refuse(id: string): Promise<boolean>
}

interface Candidate {
  factor: Factor
  enrolment: Enrolment
}

interface Match extends Candidate {
  match: FactorMatch
}

/** A step admitted to be judged: its guess is spent and committed. */
interface AdmittedStep {
  attempt: Attempt
  candidates: Candidate[]
  admission: Extract<Admission, { admitted: true }> | null
}

type AdmitOutcome =
  | { kind: 'admitted'; step: AdmittedStep }
  | { kind: 'answer'; answer: Extract<VerifyOutcome, { status: 'gone' | 'locked' }> }
  | { kind: 'breach'; expected: string; offered: string }

/** Thrown inside a transaction to undo it: another request was faster. Never leaves this file. */
class Overtaken extends Error {}

/** Stored attempts: the form of the chain that every gate uses. */
export function createAttempts(options: AttemptsOptions): Attempts {
  const { store, vault, clock, random } = options
  const limits = options.limits ?? defaultGuessLimits
  const lifetime = options.lifetime ?? fiveMinutes
  const factors = new Map(options.factors.map((factor) => [factor.type, factor]))

  async function start(request: StartRequest): Promise<StartOutcome> {
    const { subject, gate, purpose, policies } = request
    const now = clock.now()
    return store.transaction(async (tx) => {
      const enrolments = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
      const enrolled = enrolments.map((enrolment) => enrolment.factor).filter((kind) => factors.has(kind))
      const facts: DecisionFacts = {
        ...request.facts,
        subjects: [subject.id, subject.ref, ...(subject.email === null ? [] : [subject.email])],
        role: subject.role,
        company: subject.company,
        gate,
        at: now,
        enrolled,
      }
      const decision = decide(policies, facts)
      const record = (type: string, data: LedgerRecord['data'] = {}) =>
        tx.ledger.append({
          type,
          at: now,
          gate,
          subject: subject.id,
          data: { ...describeFacts(facts), rule: decision.rule, ...data },
        })
      if (decision.action !== 'chain') {
        const status = ({ allow: 'allowed', deny: 'denied', enrol: 'must_enrol' } as const)[decision.action]
        record(`attempt.${status}`)
        return { status, rule: decision.rule }
      }
      const attempt: Attempt = {
        id: randomId(random),
        gate,
        application: subject.application,
        subjectId: subject.id,
        purpose,
        rule: decision.rule,
        policy: decision.chain,
        chain: drawChain(decision.chain, random),
        cursor: 0,
        passed: [],
        status: 'pending',
        revision: 0,
        createdAt: now,
        expiresAt: now + lifetime,
      }
      await tx.attempts.insert(attempt)
      record('attempt.started', { attempt: attempt.id, purpose, steps: attempt.chain.length })
      return { status: 'pending', attempt }
    })
  }

  async function verify<Grant>(request: VerifyRequest<Grant>): Promise<VerifyOutcome<Grant>> {
    const admit = await store.transaction((tx) => admitStep(tx, request))
    if (admit.kind === 'answer') return admit.answer
    if (admit.kind === 'breach') throw new MfaChainBreached(admit.expected, admit.offered)
    const admitted = admit.step
    const matches = await judge(admitted, request.input)
    try {
      return await store.transaction((tx) => settle(tx, { admitted, matches, grant: request.grant }))
    } catch (error) {
      // Undone as a whole: nothing was consumed, nothing accepted, and the guess stays spent.
      if (error instanceof Overtaken) return rejected(admitted.attempt, admitted.admission, false)
      throw error
    }
  }

  /** Spends the guess, before anything is known about it, and finds what it could match. */
  async function admitStep(tx: Tx, request: VerifyRequest<unknown>): Promise<AdmitOutcome> {
    const seen = await tx.attempts.find(request.attemptId)
    if (!seen) return { kind: 'answer', answer: { status: 'gone', reason: 'unknown' } }
    // The subject's guesses are one row: whoever holds it walks alone. What was read before may be old.
    const stored = await tx.guesses.lock(guessKey(seen.subjectId))
    const now = clock.now()
    const attempt = (await tx.attempts.find(seen.id)) ?? seen
    const ended = endedAt(attempt, now)
    if (ended) return { kind: 'answer', answer: { status: 'gone', reason: ended } }
    const step = attempt.chain[attempt.cursor]!
    const offered = request.stepId ?? step.id
    const breached = offered !== step.id
    const breach = { kind: 'breach', expected: step.id, offered } as const
    if (breached) append(tx, attempt, 'attempt.breached', { step: step.id })
    if (breached && attempt.policy.onBreach === 'refuse') return breach
    const candidates = await findCandidates(tx, attempt, request)
    if (candidates.length > 0 && candidates.every(({ factor }) => factor.unguessable)) {
      return { kind: 'admitted', step: { attempt, candidates, admission: null } }
    }
    const recovery = candidates.length > 0 && candidates.every(({ factor }) => factor.recovery)
    const admission = admitGuess(stored, { now, limits, recovery })
    if (admission.record !== stored) await tx.guesses.save(guessKey(attempt.subjectId), admission.record)
    if (!admission.admitted) return { kind: 'answer', answer: { status: 'locked', until: admission.until } }
    if (admission.locksUntil !== null) append(tx, attempt, 'subject.locked', { until: admission.locksUntil })
    if (!breached) return { kind: 'admitted', step: { attempt, candidates, admission } }
    await moveOn(tx, attempt, walkAgain(attempt))
    return breach
  }

  async function findCandidates(
    tx: Tx,
    attempt: Attempt,
    request: VerifyRequest<unknown>,
  ): Promise<Candidate[]> {
    const kinds = stepKinds(attempt.chain[attempt.cursor]!).filter(
      (kind) => !request.method || kind === request.method,
    )
    const used = new Set(attempt.passed.map((step) => step.enrolmentId))
    const enrolments = await tx.enrolments.listBySubject(attempt.subjectId, { status: 'active' })
    return enrolments.flatMap((enrolment) => {
      const factor = factors.get(enrolment.factor)
      // One enrolment passes one step of an attempt: two steps mean two things in the subject's hands.
      if (!factor || !kinds.includes(enrolment.factor) || used.has(enrolment.id)) return []
      return factor.wellFormed(request.input, enrolment) ? [{ factor, enrolment }] : []
    })
  }

  /** Everything that costs time, outside any transaction. */
  async function judge(admitted: AdmittedStep, input: unknown): Promise<Match[]> {
    const now = clock.now()
    const matches: Match[] = []
    for (const { factor, enrolment } of admitted.candidates) {
      const { sealed, subjectId: subject } = enrolment
      const secret = sealed ? await vault.open({ subject, purpose: factor.type, sealed }) : new Uint8Array()
      const match = await factor.verify({ enrolment, secret, input, now })
      if (match) matches.push({ factor, enrolment, match })
    }
    return matches
  }

  async function settle<Grant>(
    tx: Tx,
    judged: { admitted: AdmittedStep; matches: Match[]; grant: VerifyRequest<Grant>['grant'] },
  ): Promise<VerifyOutcome<Grant>> {
    const { admitted, matches, grant } = judged
    const { attempt, admission } = admitted
    const guesses = await tx.guesses.lock(guessKey(attempt.subjectId))
    const current = await tx.attempts.find(attempt.id)
    if (!current || current.revision !== attempt.revision || endedAt(current, clock.now()))
      throw new Overtaken()
    const accepted = await consumeFirst(tx, matches)
    if (!accepted) return settleFailure(tx, { attempt, admission, replayed: matches.length > 0 })

    const { enrolment, match } = accepted
    const now = clock.now()
    // Revoked since it was admitted: a lost phone reported, a factor reset.
    if (!(await tx.enrolments.touch(enrolment.id, now, match.remember))) throw new Overtaken()
    const step = attempt.chain[attempt.cursor]!
    const passed = [
      ...attempt.passed,
      { stepId: step.id, factor: enrolment.factor, enrolmentId: enrolment.id, at: now },
    ]
    const complete = passed.length === attempt.chain.length
    const next = await moveOn(tx, attempt, {
      passed,
      cursor: passed.length,
      status: complete ? 'complete' : 'pending',
    })
    if (guesses) {
      const at = admission?.at ?? now
      const settled = complete ? breakRow(guesses, at) : refundGuess(guesses, at)
      await tx.guesses.save(guessKey(attempt.subjectId), settled)
    }
    append(tx, next, 'attempt.step_passed', {
      ...match.detail,
      step: step.id,
      factor: enrolment.factor,
      enrolment: enrolment.id,
    })
    if (!complete) return { status: 'advanced', attempt: next }
    append(tx, next, 'attempt.completed', {
      purpose: next.purpose,
      factors: passed.map((done) => done.factor),
    })
    return { status: 'complete', attempt: next, grant: (await grant?.(tx, next)) as Grant }
  }

  async function settleFailure(
    tx: Tx,
    failure: { attempt: Attempt; admission: AdmittedStep['admission']; replayed: boolean },
  ): Promise<VerifyOutcome<never>> {
    const { attempt, admission, replayed } = failure
    const step = attempt.chain[attempt.cursor]!
    const resets = attempt.policy.onFailure === 'reset'
    const locks =
      admission?.locksUntil != null && !stepKinds(step).some((kind) => factors.get(kind)?.unguessable)
    const walked = resets && attempt.policy.requiredSteps > 1
    const changes = walked || locks
    const change = { ...(walked ? walkAgain(attempt) : {}), ...(locks ? { status: 'locked' as const } : {}) }
    // A step to be tried again leaves the attempt as it is, so that a right answer in parallel still counts.
    const next = changes ? await moveOn(tx, attempt, change) : attempt
    append(tx, attempt, 'attempt.step_failed', { step: step.id, reason: replayed ? 'replayed' : 'no_match' })
    return rejected(next, admission, walked)
  }

  /** The first match whose values were never used before; they are used up by this. */
  async function consumeFirst(tx: Tx, matches: readonly Match[]): Promise<Match | null> {
    for (const found of matches) {
      if (await consume(tx, found.match.spends)) return found
    }
    return null
  }

  async function moveOn(tx: Tx, attempt: Attempt, change: Partial<Attempt>): Promise<Attempt> {
    const next = { ...attempt, ...change, revision: attempt.revision + 1 }
    if (!(await tx.attempts.replace(next))) throw new Overtaken()
    return next
  }

  function walkAgain(attempt: Attempt): Pick<Attempt, 'cursor' | 'passed' | 'chain'> {
    return { cursor: 0, passed: [], chain: drawChain(attempt.policy, random) }
  }

  function append(tx: Tx, attempt: Attempt, type: string, data: NonNullable<LedgerRecord['data']>): void {
    const { subjectId: subject, gate } = attempt
    tx.ledger.append({ type, at: clock.now(), subject, gate, data: { attempt: attempt.id, ...data } })
  }

  async function find(id: string): Promise<Attempt | null> {
    const attempt = await store.read((tx) => tx.attempts.find(id))
    return attempt && !endedAt(attempt, clock.now()) ? attempt : null
  }

  async function refuse(id: string): Promise<boolean> {
    return store.transaction(async (tx) => {
      const attempt = await tx.attempts.find(id)
      if (!attempt || endedAt(attempt, clock.now())) return false
      const refused = await tx.attempts.replace({
        ...attempt,
        status: 'refused',
        revision: attempt.revision + 1,
      })
      if (refused) append(tx, attempt, 'attempt.refused', {})
      return refused
    })
  }

  return { start, find, verify, refuse }
}

/** All guesses against a subject share one budget, whichever way they come. */
export function guessKey(subjectId: string): string {
  return `subject:${subjectId}`
}

function endedAt(attempt: Attempt, now: number): 'finished' | 'expired' | null {
  if (attempt.status !== 'pending') return 'finished'
  if (now >= attempt.expiresAt) return 'expired'
  // From the future, by more than nodes' clocks differ: the clock was set back, and the attempt's five
  // minutes can no longer be measured.
  if (now < attempt.createdAt - clockSkew) return 'expired'
  return null
}

function rejected(
  attempt: Attempt,
  admission: AdmittedStep['admission'],
  reset: boolean,
): VerifyOutcome<never> {
  if (admission?.locksUntil != null) return { status: 'locked', until: admission.locksUntil }
  return { status: 'rejected', attempt, reset, attemptsLeft: admission?.left ?? 0 }
}

/** What a later replay of policies against the ledger needs to decide again. */
function describeFacts(facts: DecisionFacts): NonNullable<LedgerRecord['data']> {
  return {
    role: facts.role,
    company: facts.company,
    address: facts.address ?? null,
    new_device: facts.newDevice ?? null,
    risk: facts.risk ?? null,
    enrolled: facts.enrolled,
  }
}
