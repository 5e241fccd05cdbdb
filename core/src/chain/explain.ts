import {
  type Decision,
  type DecisionFacts,
  decide,
  type GatePolicies,
  type JudgedCondition,
  judgeConditions,
} from './rules.ts'

export interface ExplainedRule {
  name: string
  action: 'allow' | 'deny' | 'chain'
  /** All conditions match. */
  matches: boolean
  /** It is the first that matches. */
  applies: boolean
  conditions: JudgedCondition[]
}

export interface Explanation {
  rules: ExplainedRule[]
  decision: Decision
}

/** Why these policies decide as they do about these facts: every rule, every condition, the outcome. */
export function explainDecision(policies: GatePolicies, facts: DecisionFacts): Explanation {
  const judged = policies.rules.map((rule) => {
    const conditions = judgeConditions(rule, facts)
    return { rule, conditions, matches: conditions.every((condition) => condition.matched) }
  })
  const first = judged.findIndex(({ matches }) => matches)
  const rules = judged.map(({ rule, conditions, matches }, index) => ({
    name: rule.name,
    action: rule.action,
    matches,
    applies: index === first,
    conditions,
  }))
  return { rules, decision: decide(policies, facts) }
}

/** The explanation as lines for a terminal. */
export function formatExplanation({ rules, decision }: Explanation): string[] {
  const lines = rules.flatMap((rule) => [
    `${rule.name} (${rule.action}): ${verdict(rule)}`,
    ...rule.conditions.map(
      ({ name, expected, actual, matched }) =>
        `  ${matched ? 'yes' : 'no '}  ${name}: asks for ${expected}; is ${actual}`,
    ),
  ])
  const steps = decision.action === 'chain' ? `, ${describeChain(decision.chain)}` : ''
  lines.push(`decision: ${decision.action} by ${decision.rule}${steps}`)
  lines.push(...decision.reasons.map((reason) => `  ${reason}`))
  // Names come from outside: none may move the cursor or begin a line of its own.
  return lines.map((line) => line.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd'))
}

function verdict({ applies, matches }: ExplainedRule): string {
  if (applies) return 'applies'
  return matches ? 'matches, but an earlier rule applies' : 'does not match'
}

function describeChain({
  mode,
  requiredSteps,
  factors,
}: Extract<Decision, { action: 'chain' }>['chain']): string {
  const steps = factors.map((factor) =>
    'type' in factor ? factor.type : `any of ${factor.any_of.join('/')}`,
  )
  return `${requiredSteps} of [${steps.join(', ')}] in ${mode} order`
}
