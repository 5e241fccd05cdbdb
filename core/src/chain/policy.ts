import * as z from 'zod'
import type { FactorType } from '../factors/factor.ts'
import { factorTypes } from '../factors/factor.ts'
import { acrossFields, list, parseDocument, text } from '../settings/document.ts'

/** One step of a chain: a single kind of factor, or any of several that the subject has enrolled. */
export type FactorDefinition =
  | { readonly id: string; readonly label: string; readonly type: FactorType }
  | { readonly id: string; readonly label: string; readonly any_of: readonly FactorType[] }

export interface ChainPolicy {
  readonly mode: 'fixed' | 'random'
  readonly requiredSteps: number
  readonly factors: readonly FactorDefinition[]
  readonly onFailure: 'reset' | 'retry'
  readonly onBreach: 'refuse' | 'reset'
}

/** The kinds of factor that pass a step. */
export function stepKinds(step: FactorDefinition): readonly FactorType[] {
  return 'type' in step ? [step.type] : step.any_of
}

/** What `verifyStep` answers after a failure that reset the attempt; so no label may be this. */
export const RESET = 'RESET'

const maxFactors = 32
const kind = z.enum(factorTypes)

const factorSchema = z
  .strictObject({
    id: text(64),
    label: text(100).refine((label) => label !== RESET, 'is a reserved word'),
    type: kind.optional(),
    any_of: list(kind, factorTypes.length).optional(),
  })
  .superRefine((factor, context) => {
    const refuse = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    const kinds = Array.isArray(factor.any_of) ? factor.any_of : []
    if (factor.type !== undefined && factor.any_of !== undefined) refuse(['any_of'], 'not together with type')
    if (factor.type === undefined && factor.any_of === undefined) refuse(['type'], 'required, or any_of')
    for (const [index, first] of duplicates(kinds)) refuse(['any_of', index], `duplicate of any_of[${first}]`)
  }, acrossFields)
  .transform(
    ({ id, label, type, any_of }): FactorDefinition =>
      Object.freeze(type ? { id, label, type } : { id, label, any_of: Object.freeze(any_of ?? []) }),
  )

/** A chain as a person writes it; YAML and JSON may spell its keys with underscores. */
export const chainSchema = z
  .strictObject({
    mode: z.enum(['fixed', 'random']),
    requiredSteps: z.int().optional(),
    required_steps: z.int().optional(),
    factors: list(factorSchema, maxFactors),
    onFailure: z.enum(['reset', 'retry']).optional(),
    on_failure: z.enum(['reset', 'retry']).optional(),
    onBreach: z.enum(['refuse', 'reset']).optional(),
    on_breach: z.enum(['refuse', 'reset']).optional(),
  })
  .superRefine((chain, context) => {
    const refuse = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    for (const [key, spelling] of spellings) {
      if (chain[key] !== undefined && chain[spelling] !== undefined) refuse([spelling], `same as ${key}`)
    }
    const factors: readonly { id?: unknown }[] = Array.isArray(chain.factors) ? chain.factors : []
    if (chain.requiredSteps === undefined && chain.required_steps === undefined) {
      refuse(['requiredSteps'], 'required')
    }
    for (const key of spellings[0]) {
      const count = chain[key]
      if (!Number.isSafeInteger(count) || factors.length === 0) continue
      if (count! < 1 || count! > factors.length) {
        refuse([key], `must be from 1 to ${factors.length}, the number of factors`)
      }
    }
    for (const [index, first] of duplicates(factors.map((factor) => factor?.id))) {
      refuse(['factors', index, 'id'], `duplicate of factors[${first}].id`)
    }
  }, acrossFields)
  .transform(
    (chain): ChainPolicy =>
      // The order of the keys is the canonical one: digests of policies rely on it.
      Object.freeze({
        mode: chain.mode,
        requiredSteps: (chain.requiredSteps ?? chain.required_steps)!,
        factors: Object.freeze(chain.factors),
        onFailure: chain.onFailure ?? chain.on_failure ?? 'reset',
        onBreach: chain.onBreach ?? chain.on_breach ?? 'refuse',
      }),
  )

const spellings = [
  ['requiredSteps', 'required_steps'],
  ['onFailure', 'on_failure'],
  ['onBreach', 'on_breach'],
] as const

/**
 * Reads a chain policy that a person wrote. Everything wrong with it is named in one `policy_invalid`
 * error; what is returned is frozen, complete, and in one spelling.
 */
export function parsePolicy(input: unknown): ChainPolicy {
  return parseDocument(chainSchema, input)
}

/** Each repeated string: where it stands again, and where it stood first. */
export function duplicates(values: readonly unknown[]): [again: number, first: number][] {
  return values.flatMap((value, index): [number, number][] => {
    const first = values.indexOf(value)
    return typeof value === 'string' && first < index ? [[index, first]] : []
  })
}
