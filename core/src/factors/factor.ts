import type { Enrolment, Subject } from '../store.ts'

export const factorTypes = ['totp', 'email', 'backup', 'yubikey', 'webauthn', 'password'] as const

export type FactorType = (typeof factorTypes)[number]

export function isFactorType(value: unknown): value is FactorType {
  return (factorTypes as readonly unknown[]).includes(value)
}

/**
 * How a matched value is used up, so that it is never accepted again (P1):
 * `once` for things that exist a single time (a backup code), `raise` for things that only grow
 * (a TOTP time step, a YubiKey counter). `key` names the thing itself, not the attempt or the
 * enrolment it came through, so that the same value is spent whichever way it arrives.
 */
export type Spend =
  | { kind: 'once'; key: string }
  | {
      kind: 'raise'
      key: string
      value: number
      /** A value that does not rise shows that a second device has the same secret: the enrolment is locked. */
      staleMeansCopied?: boolean
    }

export interface FactorMatch {
  /** All of these must be new; none when the proof may be given again (a password). */
  spends: readonly Spend[]
  /** What matched, for the ledger and the caller; never a secret. */
  detail: Record<string, string | number | boolean>
  /** Facts to remember with the enrolment, such as the clock drift seen. */
  remember?: Record<string, unknown>
}

export interface FactorClaim {
  enrolment: Enrolment
  /** The opened secret; empty where the factor keeps none. */
  secret: Uint8Array
  /** Exactly what the subject sent. */
  input: unknown
  now: number
  /** The open challenge that `secret` comes from, where the factor is `challenged`. */
  challengeId?: string
  /** What was asked for, where a proof answers a challenge that is bound to it. */
  asked?: { application: string; binding: string }
  /** Takes down why nothing matches, for the ledger and for whoever has to mend it; never a secret. */
  missed?: (why: string) => void
}

/** A way of proving. One file each; factors never import one another. */
export interface Factor {
  readonly type: FactorType
  /** True for proofs that cannot be guessed (public-key signatures): a lock never stops them (P3). */
  readonly unguessable: boolean
  /** True for the way back in when all else is lost: it still works past the ceiling of wrong guesses. */
  readonly recovery: boolean
  /**
   * Whether `input` has the exact shape this enrolment's codes have. Anything else is a wrong guess,
   * decided before any cryptography runs.
   */
  wellFormed(input: unknown, enrolment: Enrolment): boolean
  /**
   * Only where the proof answers something that was sent out (an emailed code): what the subject would
   * answer with, an active enrolment or a stand-in that is not stored; `null` when it may not. The secret is
   * then that of the open challenge, and a challenge is judged only so many times.
   */
  challenged?(subject: Subject, active: readonly Enrolment[], now: number): Enrolment | null
  /** What matched, or `null`. Throws only when it cannot do its work. */
  verify(claim: FactorClaim): Promise<FactorMatch | null>
}

/** False for an enrolment that stays the subject's, but proves nothing any more: its secret has a copy. */
export function isUsable({ settings }: Pick<Enrolment, 'settings'>): boolean {
  return settings.locked_at === undefined
}

/** What a subject proves with where the account itself is the enrolment. Has an id of its own; never stored. */
export function standIn(subject: Subject, factor: FactorType): Enrolment {
  return {
    id: standInId(subject.id, factor),
    subjectId: subject.id,
    factor,
    name: factor,
    status: 'active',
    sealed: null,
    settings: {},
    createdAt: subject.createdAt,
    confirmedAt: null,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: null,
  }
}

export function isStandIn({ id, subjectId, factor }: Enrolment): boolean {
  return id === standInId(subjectId, factor)
}

function standInId(subjectId: string, factor: FactorType): string {
  return `${factor}:${subjectId}`
}
