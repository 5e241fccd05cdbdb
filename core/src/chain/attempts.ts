import type { Clock, Random } from '../clock.ts'
import { MfaChainBreached } from '../errors.ts'
import type { Factor } from '../factors/factor.ts'
import { defaultGuessLimits, type GuessLimits } from '../guard/guard.ts'
import type { Store, Tx } from '../store.ts'
import { type AdmittedStep, createAdmission } from './admit-step.ts'
import type { Attempt } from './attempt.ts'
import type {
  ProveOutcome,
  ProveRequest,
  StartOutcome,
  StartRequest,
  VerifyOutcome,
  VerifyRequest,
} from './attempt-calls.ts'
import {
  type AttemptContext,
  appendTo,
  changed,
  endedAt,
  lockSubject,
  proofBinding,
} from './attempt-context.ts'
import { beginAttempt, decideAttempt } from './begin-attempt.ts'
import { createJudge } from './judge-step.ts'
import { createSettlement, Overtaken } from './settle-step.ts'

const fiveMinutes = 5 * 60_000

export interface AttemptsOptions {
  store: Store
  factors: readonly Factor[]
  vault: AttemptContext['vault']
  clock: Clock
  random: Random
  limits?: GuessLimits
  /** How long an attempt lives, in milliseconds. */
  lifetime?: number
  tellLocked?: AttemptContext['tellLocked']
}

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

/** Stored attempts: the form of the chain that every gate uses. Each step is admitted, judged, settled. */
export function createAttempts(options: AttemptsOptions): Attempts {
  const {
    store,
    vault,
    clock,
    random,
    limits = defaultGuessLimits,
    lifetime = fiveMinutes,
    tellLocked,
  } = options
  const factors = new Map(options.factors.map((factor) => [factor.type, factor]))
  const context: AttemptContext = {
    factors,
    vault,
    clock,
    random,
    limits,
    lifetime,
    ...(tellLocked && { tellLocked }),
  }
  const admission = createAdmission(context)
  const judge = createJudge(context)
  const settlement = createSettlement(context)

  async function startIn(tx: Tx, request: StartRequest): Promise<StartOutcome> {
    const decided = await decideAttempt(tx, request, context)
    await beginAttempt(tx, decided)
    return decided.outcome
  }

  async function verify<Grant>(request: VerifyRequest<Grant>): Promise<VerifyOutcome<Grant>> {
    const admitted = await store.transaction((tx) => admission.admit(tx, request))
    if (admitted.kind === 'answer') return admitted.answer
    if (admitted.kind === 'breach') throw new MfaChainBreached(admitted.expected, admitted.offered)
    return decideStep(admitted.step, request)
  }

  async function prove<Grant>(request: ProveRequest<Grant>): Promise<ProveOutcome<Grant>> {
    const admitted = await store.transaction(async (tx) => {
      const stored = await lockSubject(tx, request.subject.id)
      const decided = await decideAttempt(tx, request, context)
      if (decided.outcome.status === 'pending') {
        const { attempt } = decided.outcome
        const candidates = await admission.findCandidates(tx, attempt, request)
        const { gate, subject, session } = request
        const binding =
          request.binding ?? proofBinding({ gate, subjectId: subject.id, ...(session && { session }) })
        const begin = () => beginAttempt(tx, decided)
        return admission.takeStep(tx, { attempt, stored, candidates, binding, begin })
      }
      await beginAttempt(tx, decided)
      return { kind: 'answer', answer: decided.outcome } as const
    })
    return admitted.kind === 'answer' ? admitted.answer : decideStep(admitted.step, request)
  }

  /** Judges a step whose guess is spent, and settles what becomes of the attempt. */
  async function decideStep<Grant>(
    admitted: AdmittedStep,
    { input, grant }: Pick<VerifyRequest<Grant>, 'input' | 'grant'>,
  ): Promise<VerifyOutcome<Grant>> {
    const judgement = await judge(admitted, input)
    try {
      return await store.transaction((tx) => settlement.settle(tx, { admitted, ...judgement, grant }))
    } catch (error) {
      // Undone as a whole: nothing was consumed, nothing accepted, and the guess stays spent.
      if (error instanceof Overtaken)
        return store.transaction((tx) => settlement.settleOvertaken(tx, admitted))
      throw error
    }
  }

  async function find(id: string): Promise<Attempt | null> {
    const attempt = await store.read((tx) => tx.attempts.find(id))
    return attempt && !endedAt(attempt, clock.now()) ? attempt : null
  }

  async function refuse(id: string): Promise<boolean> {
    return store.transaction(async (tx) => {
      const seen = await tx.attempts.find(id)
      // Under the same lock as every step: a step in parallel must not save the attempt from its end.
      if (seen) await lockSubject(tx, seen.subjectId)
      const attempt = seen && (await tx.attempts.find(id))
      if (!attempt || endedAt(attempt, clock.now())) return false
      const refused = await tx.attempts.replace(changed(attempt, { status: 'refused' }))
      if (refused) appendTo(tx, { attempt, type: 'attempt.refused', at: clock.now(), data: {} })
      return refused
    })
  }

  return {
    start: (request) => store.transaction((tx) => startIn(tx, request)),
    ...{ limits, startIn, find, verify, prove, refuse },
  }
}
