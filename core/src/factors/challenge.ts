import type { Resealable, SealedSecret } from '../store.ts'
import type { FactorType } from './factor.ts'

/** Something sent out that must come back: an emailed code, later a WebAuthn challenge. */
export interface Challenge {
  id: string
  subjectId: string
  factor: FactorType
  /** What must come back, sealed for the subject with the purpose `challenge`. */
  sealed: SealedSecret
  createdAt: number
  expiresAt: number
  triesLeft: number
  endedAt: number | null
}

export interface ChallengePort extends Resealable {
  /** Replaces what was open for that subject and factor: a new code voids the old one. */
  open(challenge: Challenge): Promise<void>
  /** The open one, if it has not expired and has tries left. */
  live(subjectId: string, factor: FactorType, now: number): Promise<Challenge | null>
  /** One conditional write: takes a try, while there is one left. */
  takeTry(id: string): Promise<boolean>
  /** One conditional write: true for the first end only. */
  end(id: string, at: number): Promise<boolean>
  /** How many were opened at or after `since`: the limit on sending. */
  countSince(subjectId: string, factor: FactorType, since: number): Promise<number>
  prune(before: number, limit: number): Promise<number>
}
