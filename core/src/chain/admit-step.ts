import type { Challenge } from '../factors/challenge.ts'
import { type Factor, type FactorType, isUsable } from '../factors/factor.ts'
import { type Admission, admitGuess, type GuessRecord } from '../guard/guard.ts'
import type { Enrolment, Tx } from '../store.ts'
import type { Attempt } from './attempt.ts'
import type { VerifyOutcome, VerifyRequest } from './attempt-calls.ts'
import {
  type AttemptContext,
  appendTo,
  attemptBinding,
  changed,
  clockSkew,
  endedAt,
  guessKey,
  lockSubject,
  walkAgain,
} from './attempt-context.ts'
import { stepKinds } from './policy.ts'

export interface Candidate {
  factor: Factor
  enrolment: Enrolment
  /** What was sent out, where the factor judges an answer to it. */
  challenge?: Challenge
}

/** A step admitted to be judged: its guess is spent and committed. */
export interface AdmittedStep {
  attempt: Attempt
  candidates: Candidate[]
  /** What a challenge must be bound to. */
  binding: string
  admission: Extract<Admission, { admitted: true }> | null
}

export type AdmitOutcome =
  | { kind: 'admitted'; step: AdmittedStep }
  | { kind: 'answer'; answer: Extract<VerifyOutcome, { status: 'gone' | 'locked' }> }
  | { kind: 'breach'; expected: string; offered: string }

/** What is tried at an attempt's next step, and may be refused. */
interface Guess {
  attempt: Attempt
  stored: GuessRecord | null
  candidates: Candidate[]
  binding: string
  /** Runs before anything else is written, once it is certain that the guess is not refused. */
  begin?: () => Promise<void>
}

/** The first of three: spends the guess and finds what it could match, in a commit of its own (P2). */
export function createAdmission({ factors, clock, random, limits }: AttemptContext) {
  /** Spends the guess, before anything is known about it, and finds what it could match. */
  async function admit(tx: Tx, request: VerifyRequest<unknown>): Promise<AdmitOutcome> {
    const seen = await tx.attempts.find(request.attemptId)
    if (!seen) return { kind: 'answer', answer: { status: 'gone', reason: 'unknown' } }
    // The subject's guesses are one row: whoever holds it walks alone. What was read before may be old.
    const stored = await lockSubject(tx, seen.subjectId)
    const now = clock.now()
    const attempt = await tx.attempts.find(seen.id)
    const ended = attempt ? endedAt(attempt, now) : 'unknown'
    const until = stored?.lockedUntil ?? null
    // The attempt went down with the lock: what the person needs to know is until when.
    if (attempt?.status === 'locked' && until !== null && until > now) return locked(until)
    if (!attempt || ended) return { kind: 'answer', answer: { status: 'gone', reason: ended ?? 'unknown' } }
    const step = attempt.chain[attempt.cursor]!
    const offered = request.stepId ?? step.id
    const breached = offered !== step.id
    const breach = { kind: 'breach', expected: step.id, offered } as const
    if (breached) appendTo(tx, { attempt, type: 'attempt.breached', at: now, data: { step: step.id } })
    if (breached && attempt.policy.onBreach === 'refuse') return breach
    const candidates = await findCandidates(tx, attempt, request)
    const guess = { attempt, stored, candidates, binding: attemptBinding(attempt.id) }
    if (!breached) return takeStep(tx, guess)
    const admission = await spendGuess(tx, guess)
    if (!admission.admitted) return locked(admission.until)
    await tx.attempts.replace(changed(attempt, walkAgain(attempt, random)))
    return breach
  }

  async function takeStep(tx: Tx, guess: Guess): Promise<Exclude<AdmitOutcome, { kind: 'breach' }>> {
    const { attempt, candidates, binding } = guess
    if (candidates.length > 0 && candidates.every(({ factor }) => factor.unguessable)) {
      await guess.begin?.()
      return { kind: 'admitted', step: { attempt, candidates, binding, admission: null } }
    }
    const admission = await spendGuess(tx, guess)
    if (!admission.admitted) return locked(admission.until)
    const judged = await takeTries(tx, candidates)
    return { kind: 'admitted', step: { attempt, candidates: judged, binding, admission } }
  }

  async function spendGuess(tx: Tx, guess: Guess): Promise<Admission> {
    const { attempt, stored, candidates } = guess
    const recovery = candidates.length > 0 && candidates.every(({ factor }) => factor.recovery)
    const admission = admitGuess(stored, { now: clock.now(), limits, recovery })
    if (admission.admitted) await guess.begin?.()
    if (admission.record !== stored) await tx.guesses.save(guessKey(attempt.subjectId), admission.record)
    if (admission.admitted && admission.locksUntil !== null) {
      const data = { until: admission.locksUntil }
      appendTo(tx, { attempt, type: 'subject.locked', at: admission.at, data })
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
      ({ factor, enrolment }) =>
        !used.has(enrolment.id) && isUsable(enrolment) && factor.wellFormed(request.input, enrolment),
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

  return { admit, takeStep, findCandidates }
}

function locked(until: number | null) {
  return { kind: 'answer', answer: { status: 'locked', until } } as const
}
