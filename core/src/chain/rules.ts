import * as z from 'zod'
import type { FactorType } from '../factors/factor.ts'
import { acrossFields, list, parseDocument, text } from '../settings/document.ts'
import { type Condition, type DecisionFacts, whenSchema } from './conditions.ts'
import { type ChainPolicy, chainSchema, duplicates, type FactorDefinition, stepKinds } from './policy.ts'

export type { DecisionFacts } from './conditions.ts'

/** A gate's policies: an ordered list, of which the first that matches applies, and a last resort. */
export interface GatePolicies {
  readonly rules: readonly GateRule[]
  readonly otherwise: 'allow' | 'deny'
}

/**
 * What becomes of a subject who has too few of the chain's factors. `enforcement`: who has none at all comes
 * in without for as long as no second factor is demanded, or their grace lasts; all others enrol first.
 */
export type TooFew = 'deny' | 'enrol' | 'enforcement'

export type GateRule = {
  readonly name: string
  /** All must match; none at all always do. */
  readonly when: readonly Condition[]
  /** A passkey, which verifies the person itself, passes the whole of it: password and chain. */
  readonly passkey?: true
} & (
  | { readonly action: 'allow' | 'deny' }
  | {
      readonly action: 'chain'
      readonly chain: ChainPolicy
      readonly tooFew: TooFew
      /** Whether a trusted browser stands in the place of the chain. */
      readonly trustedDevices: boolean
    }
)

/** `chain` is what remains of the rule's chain for this subject. */
export type Decision = { rule: string; reasons: string[] } & (
  | { action: 'allow' | 'deny' | 'enrol' }
  | { action: 'chain'; chain: ChainPolicy; trustedDevices: boolean }
)

/** The name that the last resort goes by in decisions. */
const otherwise = 'otherwise'
const maxRules = 200

const ruleSchema = z
  .strictObject({
    name: text(64).refine((name) => name !== otherwise, 'is a reserved word'),
    when: whenSchema.optional(),
    action: z.enum(['allow', 'deny', 'chain']),
    chain: chainSchema.optional(),
    too_few: z.enum(['deny', 'enrol', 'enforcement']).optional(),
    trusted_devices: z.boolean().optional(),
    passkey: z.boolean().optional(),
  })
  .superRefine((rule, context) => {
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    if (rule.action === 'chain' && rule.chain === undefined) refuse('chain', 'required')
    if (rule.action === 'deny' && rule.passkey) refuse('passkey', 'not with action deny')
    if (rule.action !== 'allow' && rule.action !== 'deny') return
    for (const key of ['chain', 'too_few', 'trusted_devices'] as const) {
      if (rule[key] !== undefined) refuse(key, 'only with action chain')
    }
  }, acrossFields)
  .transform(
    ({ name, when = [], action, chain, too_few, trusted_devices, passkey }): GateRule =>
      Object.freeze({
        ...(action === 'chain'
          ? {
              ...{ name, when, action, chain: chain! },
              ...{ tooFew: too_few ?? 'deny', trustedDevices: trusted_devices ?? false },
            }
          : { name, when, action }),
        ...(passkey && { passkey }),
      }),
  )

const gateSchema = z
  .strictObject({
    policies: list(ruleSchema, maxRules),
    otherwise: z.enum(['allow', 'deny']).optional(),
  })
  .superRefine(({ policies }, context) => {
    const names = Array.isArray(policies) ? policies.map((rule) => rule?.name) : []
    for (const [index, first] of duplicates(names)) {
      const message = `duplicate of policies[${first}].name`
      context.addIssue({ code: 'custom', path: ['policies', index, 'name'], message })
    }
  }, acrossFields)
  .transform(
    (document): GatePolicies =>
      Object.freeze({ rules: Object.freeze(document.policies), otherwise: document.otherwise ?? 'deny' }),
  )

const bareChain = chainSchema.transform(
  (chain): GatePolicies => singleRule(chain, { tooFew: 'deny', trustedDevices: false }),
)

/**
 * Reads a gate's policies from a document (already parsed from YAML or JSON). A bare chain stands for one
 * rule that always applies. Every fault is named by its path in one `policy_invalid` error.
 */
export function parseGatePolicies(input: unknown): GatePolicies {
  const isObject = typeof input === 'object' && input !== null
  const bare = isObject && !('policies' in input) && ('factors' in input || 'mode' in input)
  return parseDocument<GatePolicies>(bare ? bareChain : gateSchema, input)
}

/**
 * What a login asks for unless configured otherwise: one step, by any second factor that is enrolled. With
 * none enrolled the enforcement of MFA says whether enrolling can wait.
 */
export const defaultLoginPolicies: GatePolicies = singleRule(
  chainSchema.parse({
    mode: 'fixed',
    requiredSteps: 1,
    factors: [
      { id: 'any', label: 'Second factor', any_of: ['totp', 'email', 'backup', 'yubikey', 'webauthn'] },
    ],
    onFailure: 'reset',
  }),
  { tooFew: 'enforcement', trustedDevices: true },
)

function singleRule(chain: ChainPolicy, more: { tooFew: TooFew; trustedDevices: boolean }): GatePolicies {
  const rule: GateRule = Object.freeze({ name: 'default', when: [], action: 'chain', chain, ...more })
  return Object.freeze({ rules: Object.freeze([rule]), otherwise: 'deny' })
}

export interface JudgedCondition {
  name: string
  expected: string
  actual: string
  matched: boolean
}

export function judgeConditions(rule: GateRule, facts: DecisionFacts): JudgedCondition[] {
  return rule.when.map(({ name, expected, judge }) => ({ name, expected, ...judge(facts) }))
}

/** The first rule whose conditions all match decides; with none, the last resort. */
export function decide(policies: GatePolicies, facts: DecisionFacts): Decision {
  for (const rule of policies.rules) {
    const judged = judgeConditions(rule, facts)
    if (!judged.every((condition) => condition.matched)) continue
    const reasons = judged.map(({ name, expected, actual }) => `${name}: ${actual} matches ${expected}`)
    return applyRule(rule, facts, reasons.length > 0 ? reasons : ['the rule has no conditions'])
  }
  return unlessOverdue({ rule: otherwise, action: policies.otherwise, reasons: ['no rule matched'] }, facts)
}

function applyRule(rule: GateRule, facts: DecisionFacts, why: readonly string[]): Decision {
  if (rule.action !== 'chain')
    return unlessOverdue({ rule: rule.name, action: rule.action, reasons: [...why] }, facts)
  const { enrolled } = facts
  const left = passable(rule.chain.factors, enrolled)
  const lacking = rule.chain.factors.filter(({ id }) => !left.some((factor) => factor.id === id))
  const reasons = [...why, ...lacking.map((factor) => lacks(factor))]
  const { requiredSteps } = rule.chain
  if (left.length < requiredSteps) {
    reasons.push(`${left.length} of ${requiredSteps} steps can be passed`)
    return tooFewLeft({ rule: rule.name, reasons }, rule.tooFew, facts)
  }
  const chain = Object.freeze({ ...rule.chain, factors: Object.freeze(left) })
  return { rule: rule.name, action: 'chain', chain, trustedDevices: rule.trustedDevices, reasons }
}

function tooFewLeft(
  decided: Pick<Decision, 'rule' | 'reasons'>,
  tooFew: TooFew,
  { enforcement }: DecisionFacts,
): Decision {
  if (tooFew !== 'enforcement') return { ...decided, action: tooFew }
  if (enforcement === 'optional')
    return { ...decided, action: 'allow', reasons: [...decided.reasons, 'no second factor is demanded'] }
  if (enforcement === 'grace')
    return { ...decided, action: 'allow', reasons: [...decided.reasons, 'the time to enrol one still runs'] }
  return { ...decided, action: 'enrol' }
}

/** Nobody is let in without a second factor when the time to enrol the one demanded is over. */
function unlessOverdue(decision: Decision, { enforcement }: DecisionFacts): Decision {
  if (decision.action !== 'allow' || enforcement !== 'must_enrol') return decision
  const reasons = [...decision.reasons, 'a second factor is demanded, and the time to enrol it is over']
  return { ...decision, action: 'enrol', reasons }
}

/**
 * The steps that this subject can pass in one attempt, each with the kinds that are enrolled. One thing in
 * the subject's hands passes one step: two TOTP steps need two authenticators, so a step is left out when
 * the things enrolled cannot be shared out among it and the steps before it.
 */
function passable(steps: readonly FactorDefinition[], enrolled: readonly FactorType[]): FactorDefinition[] {
  const takenBy: (FactorDefinition | undefined)[] = enrolled.map(() => undefined)
  const share = (step: FactorDefinition, tried: Set<number>): boolean =>
    enrolled.some((kind, thing) => {
      if (tried.has(thing) || !stepKinds(step).includes(kind)) return false
      tried.add(thing)
      const holder = takenBy[thing]
      if (holder && !share(holder, tried)) return false
      takenBy[thing] = step
      return true
    })
  return steps
    .filter((step) => share(step, new Set()))
    .map((step) => ('type' in step ? step : narrow(step, enrolled)))
}

function narrow(step: Extract<FactorDefinition, { any_of: unknown }>, enrolled: readonly FactorType[]) {
  return Object.freeze({
    ...step,
    any_of: Object.freeze(step.any_of.filter((kind) => enrolled.includes(kind))),
  })
}

function lacks(factor: FactorDefinition): string {
  return `step ${factor.id} is left out: no ${stepKinds(factor).join(' or ')} is enrolled for it`
}
