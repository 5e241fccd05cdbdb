import { type Clock, type Random, randomId } from '../clock.ts'
import { MfaChainBreached } from '../errors.ts'
import type { Challenge } from '../factors/challenge.ts'
import { type Factor, type FactorMatch, type FactorType, isStandIn } from '../factors/factor.ts'
import {
  type Admission,
  admitGuess,
  breakRow,
  defaultGuessLimits,
  type GuessLimits,
  type GuessRecord,
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
  /** The session that the attempt gives proof to, if it is for one. */
  session?: string
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

/** One try at a chain of one step, begun and judged at once. */
export type ProveRequest<Grant = undefined> = StartRequest &
  Pick<VerifyRequest<Grant>, 'input' | 'method' | 'grant'>

export type ProveOutcome<Grant = undefined> =
  | VerifyOutcome<Grant>
  | Exclude<StartOutcome, { status: 'pending' }>

export interface Attempts {
  /** What a subject's guesses are measured by. */
  readonly limits: GuessLimits
  start(request: StartRequest): Promise<StartOutcome>
  /** The same, in the transaction that found the subject worthy of an attempt. */
  startIn(tx: Tx, request: StartRequest): Promise<StartOutcome>
  /** The attempt, if it can still be walked. */
  find(id: string): Promise<Attempt | null>
  verify<Grant = undefined>(request: VerifyRequest<Grant>): Promise<VerifyOutcome<Grant>>
  /**
   * Starts an attempt and verifies its first step, for gates that are handed a code without a walk. The
   * attempt begins in the commit that spends the guess; of a subject that is locked none is begun.
   */
  prove<Grant = undefined>(request: ProveRequest<Grant>): Promise<ProveOutcome<Grant>>
  /** Ends a pending attempt for good: signing out, a changed password. */
  refuse(id: string): Promise<boolean>
}

interface Candidate {
  factor: Factor
  enrolment: Enrolment
  /** What was sent out, where the factor judges an answer to it. */
  challenge?: Challenge
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

/** What is tried at an attempt's next step, and may be refused. */
interface Guess {
  attempt: Attempt
  stored: GuessRecord | null
  candidates: Candidate[]
  /** Runs before anything else is written, once it is certain that the guess is not refused. */
  begin?: () => Promise<void>
}

interface Decided {
  outcome: StartOutcome
  record: LedgerRecord
}

/** Thrown inside a transaction to undo it: another request was faster. Never leaves this file. */
class Overtaken extends Error {}

/** Stored attempts: the form of the chain that every gate uses. */
export function createAttempts(options: AttemptsOptions): Attempts {
  const { store, vault, clock, random } = options
  const limits = options.limits ?? defaultGuessLimits
  const lifetime = options.lifetime ?? fiveMinutes
  const factors = new Map(options.factors.map((factor) => [factor.type, factor]))

  async function startIn(tx: Tx, request: StartRequest): Promise<StartOutcome> {
    const decided = await decideIn(tx, request)
    await begin(tx, decided)
    return decided.outcome
  }

  async function begin(tx: Tx, { outcome, record }: Decided): Promise<void> {
    if (outcome.status === 'pending') await tx.attempts.insert(outcome.attempt)
    tx.ledger.append(record)
  }

  /** What the policies make of the subject now, and what there is to record of it; writes nothing. */
  async function decideIn(tx: Tx, request: StartRequest): Promise<Decided> {
    const { subject, gate, purpose, policies } = request
    const now = clock.now()
    const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
    const enrolled = [
      ...active
        .map(({ factor }) => factor)
        .filter((kind) => factors.has(kind) && !factors.get(kind)?.challenged),
      ...[...factors.keys()].filter((kind) => factors.get(kind)?.challenged?.(subject, active, now)),
    ]
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
    const recordOf = (type: string, data: LedgerRecord['data'] = {}): LedgerRecord => ({
      type,
      at: now,
      gate,
      subject: subject.id,
      data: { ...describeFacts(facts), rule: decision.rule, ...data },
    })
    if (decision.action !== 'chain') {
      const status = ({ allow: 'allowed', deny: 'denied', enrol: 'must_enrol' } as const)[decision.action]
      return { outcome: { status, rule: decision.rule }, record: recordOf(`attempt.${status}`) }
    }
    const attempt: Attempt = {
      id: randomId(random),
      gate,
      application: subject.application,
      subjectId: subject.id,
      session: request.session ?? null,
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
    const started = { attempt: attempt.id, purpose, steps: attempt.chain.length }
    return { outcome: { status: 'pending', attempt }, record: recordOf('attempt.started', started) }
  }

  async function verify<Grant>(request: VerifyRequest<Grant>): Promise<VerifyOutcome<Grant>> {
    const admit = await store.transaction((tx) => admitStep(tx, request))
    if (admit.kind === 'answer') return admit.answer
    if (admit.kind === 'breach') throw new MfaChainBreached(admit.expected, admit.offered)
    return decideStep(admit.step, request)
  }

  async function prove<Grant>(request: ProveRequest<Grant>): Promise<ProveOutcome<Grant>> {
    const admit = await store.transaction(async (tx) => {
      const stored = await tx.guesses.lock(guessKey(request.subject.id))
      const decided = await decideIn(tx, request)
      if (decided.outcome.status === 'pending') {
        const { attempt } = decided.outcome
        const candidates = await findCandidates(tx, attempt, request)
        return takeStep(tx, { attempt, stored, candidates, begin: () => begin(tx, decided) })
      }
      await begin(tx, decided)
      return { kind: 'answer', answer: decided.outcome } as const
    })
    return admit.kind === 'answer' ? admit.answer : decideStep(admit.step, request)
  }

  /** Judges a step whose guess is spent, and settles what becomes of the attempt. */
  async function decideStep<Grant>(
    admitted: AdmittedStep,
    { input, grant }: Pick<VerifyRequest<Grant>, 'input' | 'grant'>,
  ): Promise<VerifyOutcome<Grant>> {
    const matches = await judge(admitted, input)
    try {
      return await store.transaction((tx) => settle(tx, { admitted, matches, grant }))
    } catch (error) {
      // Undone as a whole: nothing was consumed, nothing accepted, and the guess stays spent.
      if (error instanceof Overtaken) return store.transaction((tx) => settleOvertaken(tx, admitted))
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
    const attempt = await tx.attempts.find(seen.id)
    const ended = attempt ? endedAt(attempt, now) : 'unknown'
    if (!attempt || ended) return { kind: 'answer', answer: { status: 'gone', reason: ended ?? 'unknown' } }
    const step = attempt.chain[attempt.cursor]!
    const offered = request.stepId ?? step.id
    const breached = offered !== step.id
    const breach = { kind: 'breach', expected: step.id, offered } as const
    if (breached) append(tx, attempt, 'attempt.breached', { step: step.id })
    if (breached && attempt.policy.onBreach === 'refuse') return breach
    const guess = { attempt, stored, candidates: await findCandidates(tx, attempt, request) }
    if (!breached) return takeStep(tx, guess)
    const admission = await spendGuess(tx, guess)
    if (!admission.admitted) return { kind: 'answer', answer: { status: 'locked', until: admission.until } }
    await tx.attempts.replace(changed(attempt, walkAgain(attempt)))
    return breach
  }

  async function takeStep(tx: Tx, guess: Guess): Promise<Exclude<AdmitOutcome, { kind: 'breach' }>> {
    const { attempt, candidates } = guess
    if (candidates.length > 0 && candidates.every(({ factor }) => factor.unguessable)) {
      await guess.begin?.()
      return { kind: 'admitted', step: { attempt, candidates, admission: null } }
    }
    const admission = await spendGuess(tx, guess)
    if (!admission.admitted) return { kind: 'answer', answer: { status: 'locked', until: admission.until } }
    return { kind: 'admitted', step: { attempt, candidates: await takeTries(tx, candidates), admission } }
  }

  async function spendGuess(tx: Tx, guess: Guess): Promise<Admission> {
    const { attempt, stored, candidates } = guess
    const recovery = candidates.length > 0 && candidates.every(({ factor }) => factor.recovery)
    const admission = admitGuess(stored, { now: clock.now(), limits, recovery })
    if (admission.admitted) await guess.begin?.()
    if (admission.record !== stored) await tx.guesses.save(guessKey(attempt.subjectId), admission.record)
    if (admission.admitted && admission.locksUntil !== null) {
      append(tx, attempt, 'subject.locked', { until: admission.locksUntil })
    }
    return admission
  }

  async function findCandidates(
    tx: Tx,
    attempt: Attempt,
    request: Pick<VerifyRequest, 'input' | 'method'>,
  ): Promise<Candidate[]> {
    const kinds = stepKinds(attempt.chain[attempt.cursor]!).filter(
      (kind) => !request.method || kind === request.method,
    )
    const used = new Set(attempt.passed.map((step) => step.enrolmentId))
    const active = await tx.enrolments.listBySubject(attempt.subjectId, { status: 'active' })
    const enrolled = active.flatMap((enrolment): Candidate[] => {
      const factor = factors.get(enrolment.factor)
      return factor && !factor.challenged && kinds.includes(factor.type) ? [{ factor, enrolment }] : []
    })
    const challenged = await findChallenged(tx, { subjectId: attempt.subjectId, kinds, active })
    return [...enrolled, ...challenged].filter(
      // One enrolment passes one step of an attempt: two steps mean two things in the subject's hands.
      ({ factor, enrolment }) => !used.has(enrolment.id) && factor.wellFormed(request.input, enrolment),
    )
  }

  /** What answers to the challenges that are open for the subject. */
  async function findChallenged(
    tx: Tx,
    step: { subjectId: string; kinds: readonly FactorType[]; active: readonly Enrolment[] },
  ): Promise<Candidate[]> {
    const { subjectId, kinds, active } = step
    const now = clock.now()
    const found: Candidate[] = []
    for (const kind of kinds) {
      const factor = factors.get(kind)
      const challenge = factor?.challenged && (await tx.challenges.live(subjectId, kind, now))
      // One from the future outlived a clock that was set back, like an attempt.
      if (!factor || !challenge || now < challenge.createdAt - clockSkew) continue
      const subject = await tx.subjects.find(subjectId)
      const enrolment = subject && factor.challenged?.(subject, active, now)
      if (enrolment) found.push({ factor, enrolment, challenge })
    }
    return found
  }

  /** A challenge is judged so many times and no more, however many come at once. */
  async function takeTries(tx: Tx, candidates: readonly Candidate[]): Promise<Candidate[]> {
    const taken: Candidate[] = []
    for (const candidate of candidates) {
      const { challenge } = candidate
      if (!challenge || (await tx.challenges.takeTry(challenge.id))) taken.push(candidate)
    }
    return taken
  }

  /** Everything that costs time, outside any transaction. */
  async function judge(admitted: AdmittedStep, input: unknown): Promise<Match[]> {
    const now = clock.now()
    const matches: Match[] = []
    for (const candidate of admitted.candidates) {
      const { factor, enrolment, challenge } = candidate
      const secret = await openSecret(candidate)
      const challengeId = challenge && { challengeId: challenge.id }
      const match = await factor.verify({ enrolment, secret, input, now, ...challengeId })
      if (match) matches.push({ ...candidate, match })
    }
    return matches
  }

  async function openSecret({ factor, enrolment, challenge }: Candidate): Promise<Uint8Array> {
    const { sealed } = challenge ?? enrolment
    const purpose = challenge ? 'challenge' : factor.type
    return sealed ? vault.open({ subject: enrolment.subjectId, purpose, sealed }) : new Uint8Array()
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
    if (!accepted) {
      return settleFailure(tx, { admitted, reason: matches.length > 0 ? 'replayed' : 'no_match' })
    }

    const { enrolment, factor, match } = accepted
    const now = clock.now()
    // Revoked since it was admitted: a lost phone reported, a factor reset.
    if (!(await use(tx, accepted, now))) {
      return settleFailure(tx, { admitted, reason: 'revoked' })
    }
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
      // A recovery factor ends the row at once: past the ceiling the chain's other steps would be refused.
      const settled = settleGuess(guesses, admission, complete || factor.recovery)
      await tx.guesses.save(guessKey(attempt.subjectId), settled)
      if (guesses.lockedUntil !== settled.lockedUntil) append(tx, attempt, 'subject.unlocked', {})
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
    failure: { admitted: AdmittedStep; reason: 'no_match' | 'replayed' | 'revoked' },
  ): Promise<VerifyOutcome<never>> {
    const { attempt, admission } = failure.admitted
    const step = attempt.chain[attempt.cursor]!
    const resets = attempt.policy.onFailure === 'reset'
    const locks =
      admission?.locksUntil != null && !stepKinds(step).some((kind) => factors.get(kind)?.unguessable)
    const walked = resets && (attempt.chain.length > 1 || attempt.policy.mode === 'random')
    const change = { ...(walked ? walkAgain(attempt) : {}), ...(locks ? { status: 'locked' as const } : {}) }
    // A step to be tried again leaves the attempt as it is, so that a right answer in parallel still counts.
    const next = walked || locks ? await moveOn(tx, attempt, change) : attempt
    append(tx, attempt, 'attempt.step_failed', { step: step.id, reason: failure.reason })
    return rejected(next, admission, walked && attempt.chain.length > 1)
  }

  /** Another request moved the attempt on while this one was judged: its guess stays spent, for nothing. */
  async function settleOvertaken(
    tx: Tx,
    { attempt, admission }: AdmittedStep,
  ): Promise<VerifyOutcome<never>> {
    append(tx, attempt, 'attempt.step_failed', {
      step: attempt.chain[attempt.cursor]!.id,
      reason: 'overtaken',
    })
    const current = await tx.attempts.find(attempt.id)
    const ended = current ? endedAt(current, clock.now()) : 'unknown'
    if (ended && admission?.locksUntil == null) return { status: 'gone', reason: ended }
    return rejected(current ?? attempt, admission, false)
  }

  /** The first match whose values were never used before; they are used up by this. */
  async function consumeFirst(tx: Tx, matches: readonly Match[]): Promise<Match | null> {
    for (const found of matches) {
      if (await consume(tx, found.match.spends)) return found
    }
    return null
  }

  /** Records the use of what was accepted; false when it does not stand any more. */
  async function use(tx: Tx, { enrolment, challenge, match }: Match, at: number): Promise<boolean> {
    if (challenge && !(await tx.challenges.end(challenge.id, at))) return false
    return isStandIn(enrolment) || tx.enrolments.touch(enrolment.id, at, match.remember)
  }

  async function moveOn(tx: Tx, attempt: Attempt, change: Partial<Attempt>): Promise<Attempt> {
    const next = changed(attempt, change)
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
      const seen = await tx.attempts.find(id)
      // Under the same lock as every step: a step in parallel must not save the attempt from its end.
      if (seen) await tx.guesses.lock(guessKey(seen.subjectId))
      const attempt = seen && (await tx.attempts.find(id))
      if (!attempt || endedAt(attempt, clock.now())) return false
      const refused = await tx.attempts.replace(changed(attempt, { status: 'refused' }))
      if (refused) append(tx, attempt, 'attempt.refused', {})
      return refused
    })
  }

  return {
    start: (request) => store.transaction((tx) => startIn(tx, request)),
    ...{ limits, startIn, find, verify, prove, refuse },
  }
}

/** All guesses against a subject share one budget, whichever way they come. */
export function guessKey(subjectId: string): string {
  return `subject:${subjectId}`
}

function changed(attempt: Attempt, change: Partial<Attempt>): Attempt {
  return { ...attempt, ...change, revision: attempt.revision + 1 }
}

/** What remains of the record after a right answer. A proof that cost no guess gives none back. */
function settleGuess(
  guesses: GuessRecord,
  admission: AdmittedStep['admission'],
  endsRow: boolean,
): GuessRecord {
  if (!admission) return endsRow ? { ...guesses, inRow: 0 } : guesses
  return endsRow ? breakRow(guesses, admission.at) : refundGuess(guesses, admission.at)
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
