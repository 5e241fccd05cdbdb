import { isStandIn } from '../factors/factor.ts'
import { breakRow, type GuessRecord, refundGuess } from '../guard/guard.ts'
import type { LedgerRecord } from '../ledger/entry.ts'
import { firstStale } from '../once.ts'
import type { Tx } from '../store.ts'
import type { AdmittedStep } from './admit-step.ts'
import type { Attempt } from './attempt.ts'
import type { VerifyOutcome, VerifyRequest } from './attempt-calls.ts'
import {
  type AttemptContext,
  appendTo,
  changed,
  endedAt,
  guessKey,
  lockSubject,
  walkAgain,
} from './attempt-context.ts'
import type { Judgement, Match } from './judge-step.ts'
import { stepKinds } from './policy.ts'

/** Thrown inside a transaction to undo it: another request was faster. */
export class Overtaken extends Error {}

/** The third of three: uses up what matched, moves the attempt on and records it, in one commit (P1). */
export function createSettlement({ factors, clock, random, tellLocked }: AttemptContext) {
  async function settle<Grant>(
    tx: Tx,
    judged: Judgement & { admitted: AdmittedStep; grant: VerifyRequest<Grant>['grant'] },
  ): Promise<VerifyOutcome<Grant>> {
    const { admitted, matches, why, grant } = judged
    const { attempt, admission } = admitted
    const guesses = await lockSubject(tx, attempt.subjectId)
    const current = await tx.attempts.find(attempt.id)
    if (!current || current.revision !== attempt.revision || endedAt(current, clock.now()))
      throw new Overtaken()
    const { accepted, copied } = await consumeFirst(tx, matches)
    if (!accepted) {
      if (copied) await lockCopied(tx, attempt, copied)
      const reason = copied ? 'copied' : matches.length > 0 ? 'replayed' : 'no_match'
      return settleFailure(tx, { admitted, reason, why: copied ? 'sign_count' : why })
    }

    const { enrolment, factor, match } = accepted
    const now = clock.now()
    // Revoked since it was admitted: a lost phone reported, a factor reset.
    if (!(await use(tx, accepted, now))) {
      return settleFailure(tx, { admitted, reason: 'revoked', why: null })
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
    failure: {
      admitted: AdmittedStep
      reason: 'no_match' | 'replayed' | 'revoked' | 'copied'
      why: string | null
    },
  ): Promise<VerifyOutcome<never>> {
    const { attempt, admission } = failure.admitted
    const step = attempt.chain[attempt.cursor]!
    const resets = attempt.policy.onFailure === 'reset'
    const locks =
      admission?.locksUntil != null && !stepKinds(step).some((kind) => factors.get(kind)?.unguessable)
    const walked = resets && (attempt.chain.length > 1 || attempt.policy.mode === 'random')
    const change = {
      ...(walked ? walkAgain(attempt, random) : {}),
      ...(locks ? { status: 'locked' as const } : {}),
    }
    // A step to be tried again leaves the attempt as it is, so that a right answer in parallel still counts.
    const next = walked || locks ? await moveOn(tx, attempt, change) : attempt
    const { reason, why } = failure
    append(tx, attempt, 'attempt.step_failed', { step: step.id, reason, ...(why !== null && { why }) })
    return rejected(next, admission, { reset: walked && attempt.chain.length > 1, why })
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
    return rejected(current ?? attempt, admission, { reset: false, why: null })
  }

  /** The first match whose values were never used before; they are used up by this. */
  async function consumeFirst(tx: Tx, matches: readonly Match[]) {
    let copied: Match | null = null
    for (const found of matches) {
      const stale = await firstStale(tx, found.match.spends)
      if (!stale) return { accepted: found, copied }
      if (stale.kind === 'raise' && stale.staleMeansCopied) copied = found
    }
    return { accepted: null, copied }
  }

  /** Two devices have one secret, and nobody can tell which is the copy: neither proves anything from now on. */
  async function lockCopied(tx: Tx, attempt: Attempt, { enrolment }: Match): Promise<void> {
    if (!(await tx.enrolments.lock(enrolment.id, clock.now()))) return
    const data = { enrolment: enrolment.id, factor: enrolment.factor, reason: 'copied' }
    append(tx, attempt, 'enrolment.locked', data)
    await tellLocked?.(tx, enrolment)
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

  function append(tx: Tx, attempt: Attempt, type: string, data: NonNullable<LedgerRecord['data']>): void {
    appendTo(tx, { attempt, type, at: clock.now(), data })
  }

  return { settle, settleOvertaken }
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

function rejected(
  attempt: Attempt,
  admission: AdmittedStep['admission'],
  { reset, why }: { reset: boolean; why: string | null },
): VerifyOutcome<never> {
  const lockedUntil = admission?.locksUntil ?? null
  return { status: 'rejected', attempt, reset, attemptsLeft: admission?.left ?? null, lockedUntil, why }
}
