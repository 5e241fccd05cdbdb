import type { FactorType } from '../factors/factor.ts'
import type { Subject, Tx } from '../store.ts'
import type { Attempt } from './attempt.ts'
import type { DecisionFacts } from './conditions.ts'
import type { GatePolicies } from './rules.ts'

export interface StartRequest {
  gate: string
  /** What the grant is for: `sign-in`, `step-up`, … */
  purpose: string
  subject: Subject
  policies: GatePolicies
  /** The session that the attempt gives proof to, if it is for one. */
  session?: string
  /** What the gate knows of this sign-in; what it does not know matches no condition that asks for it. */
  facts?: Pick<DecisionFacts, 'address' | 'newDevice' | 'risk' | 'riskReasons'>
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
  /** A wrong code; `lockedUntil` when it was the one too many, and the next is refused until then. */
  | {
      status: 'rejected'
      attempt: Attempt
      reset: boolean
      /** `null` where a wrong proof costs no guess. */
      attemptsLeft: number | null
      lockedUntil: number | null
      /** Why, where the factor knows. */
      why: string | null
    }
  | { status: 'locked'; until: number | null }
  | { status: 'gone'; reason: 'unknown' | 'finished' | 'expired' }

/** One try at a chain of one step, begun and judged at once. */
export type ProveRequest<Grant = undefined> = StartRequest &
  Pick<VerifyRequest<Grant>, 'input' | 'method' | 'grant'> & {
    /** What a challenge must be bound to, where it is not the subject at this gate. */
    binding?: string
  }

export type ProveOutcome<Grant = undefined> =
  | VerifyOutcome<Grant>
  | Exclude<StartOutcome, { status: 'pending' }>
