import type { FactorType } from '../factors/factor.ts'

/** One step of a chain: a single kind of factor, or any of several that the subject has enrolled. */
export type FactorDefinition =
  | { id: string; label: string; type: FactorType }
  | { id: string; label: string; any_of: FactorType[] }

export interface ChainPolicy {
  mode: 'fixed' | 'random'
  requiredSteps: number
  factors: FactorDefinition[]
  onFailure: 'reset' | 'retry'
  onBreach: 'refuse' | 'reset'
}
