import type { FactorType } from '../factors/factor.ts'
import type { ChainPolicy, FactorDefinition } from './policy.ts'

export type AttemptStatus = 'pending' | 'complete' | 'locked' | 'refused' | 'expired'

export interface PassedStep {
  stepId: string
  factor: FactorType
  enrolmentId: string | null
  at: number
}

/** One walk along a chain, as it is stored. Every change raises `revision` by one. */
export interface Attempt {
  id: string
  gate: string
  application: string
  subjectId: string
  /** What the attempt is for: `sign-in`, `step-up`, … A grant is given for that purpose only. */
  purpose: string
  /** The session that it gives proof to, where it is for one. */
  session: string | null
  /** The name of the policy rule that demanded this chain. */
  rule: string
  policy: ChainPolicy
  /** Whether a browser may be trusted for having passed this chain, and may leave it out afterwards. */
  trustedDevices: boolean
  /** The chain as drawn: which steps, in which order. */
  chain: FactorDefinition[]
  /** How many steps of `chain` are passed. */
  cursor: number
  passed: PassedStep[]
  status: AttemptStatus
  revision: number
  createdAt: number
  expiresAt: number
}
