import type { Clock, Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Factor, FactorType } from '../factors/factor.ts'
import type { GuessLimits, GuessRecord } from '../guard/guard.ts'
import type { LedgerRecord } from '../ledger/entry.ts'
import type { Enrolment, SealedSecret, Subject, Tx } from '../store.ts'
import type { Attempt } from './attempt.ts'
import { drawChain } from './draw.ts'

/** Nodes' clocks differ by less than this. */
export const clockSkew = 60_000

/** What the steps of an attempt share. */
export interface AttemptContext {
  factors: ReadonlyMap<FactorType, Factor>
  /** Opens what an enrolment keeps sealed: the vault. */
  vault: { open(sealed: { subject: string; purpose: string; sealed: SealedSecret }): Promise<Uint8Array> }
  clock: Clock
  random: Random
  limits: GuessLimits
  /** How long an attempt lives, in milliseconds. */
  lifetime: number
  /** Tells the subject that one of its enrolments was locked, in the commit that locks it. */
  tellLocked?: (tx: Tx, enrolment: Enrolment) => Promise<void>
}

/** What a challenge is bound to: one attempt … */
export function attemptBinding(attemptId: string): string {
  return `attempt:${attemptId}`
}

/** … or, where a proof comes without a walk, the subject at that gate and the session it is for. */
export function proofBinding(at: { gate: string; subjectId: string; session?: string | null }): string {
  return `proof:${at.gate}:${at.subjectId}:${at.session ?? ''}`
}

/** All guesses against a subject share one budget, whichever way they come. */
export function guessKey(subjectId: string): string {
  return `subject:${subjectId}`
}

/**
 * Whatever opens, ends or changes what a subject holds goes one after another, and so do its guesses: they
 * share this row, whichever node they come through.
 */
export async function lockSubject(tx: Tx, subjectId: string): Promise<GuessRecord | null> {
  return tx.guesses.lock(guessKey(subjectId))
}

/** … for what would otherwise be left behind of somebody who was erased meanwhile. */
export async function lockPresentSubject(
  tx: Tx,
  subjectId: string,
): Promise<{ guesses: GuessRecord | null; subject: Subject }> {
  const guesses = await lockSubject(tx, subjectId)
  const subject = await tx.subjects.find(subjectId)
  if (!subject) throw new SallyportError('not_found', 'there is no such subject')
  return { guesses, subject }
}

export function changed(attempt: Attempt, change: Partial<Attempt>): Attempt {
  return { ...attempt, ...change, revision: attempt.revision + 1 }
}

export function walkAgain(attempt: Attempt, random: Random): Pick<Attempt, 'cursor' | 'passed' | 'chain'> {
  return { cursor: 0, passed: [], chain: drawChain(attempt.policy, random) }
}

export function appendTo(
  tx: Tx,
  entry: { attempt: Attempt; type: string; at: number; data: NonNullable<LedgerRecord['data']> },
): void {
  const { attempt, type, at, data } = entry
  const { id, subjectId: subject, gate } = attempt
  tx.ledger.append({ type, at, subject, gate, data: { attempt: id, ...data } })
}

/** Why an attempt cannot be walked any further; `null` while it can. */
export function endedAt(attempt: Attempt, now: number): 'finished' | 'expired' | null {
  if (attempt.status !== 'pending') return 'finished'
  if (now >= attempt.expiresAt) return 'expired'
  // From the future, by more than nodes' clocks differ: the clock was set back, and the attempt's five
  // minutes can no longer be measured.
  if (now < attempt.createdAt - clockSkew) return 'expired'
  return null
}
