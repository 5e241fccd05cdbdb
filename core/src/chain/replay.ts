import { type Decision, type DecisionFacts, decide, type GatePolicies } from './rules.ts'

/** An attempt as it was decided then, with what was known then. */
export interface RecordedDecision {
  at: number
  /** Whom the report names. */
  subject: string
  facts: Omit<DecisionFacts, 'at'>
  decided: Decision['action']
  /** How many steps the chain had; 0 where there was none. */
  steps: number
}

/** One kind of change for one subject. */
export interface ReplayChange {
  subject: string
  /** The draft's rule that decides now. */
  rule: string
  from: { action: Decision['action']; steps: number }
  to: { action: Decision['action']; steps: number }
  /** How many attempts, and between which times. */
  count: number
  firstAt: number
  lastAt: number
}

/** Attempts that this change touches, and each subject's share in them. */
export interface ReplayGroup {
  count: number
  changes: ReplayChange[]
}

export interface ReplayReport {
  total: number
  unchanged: number
  /** Newly denied. */
  denied: ReplayGroup
  /** More steps than before, a chain where there was none, or an enrolment first. */
  steppedUp: ReplayGroup
  /** Fewer steps than before or none; a chain where the answer was no. */
  letThrough: ReplayGroup
}

/** Decides recorded attempts again by draft policies. Memory grows with the changes, not the attempts. */
export async function replayDecisions(
  draft: GatePolicies,
  attempts: Iterable<RecordedDecision> | AsyncIterable<RecordedDecision>,
): Promise<ReplayReport> {
  const groups = { denied: createGroup(), steppedUp: createGroup(), letThrough: createGroup() }
  let total = 0
  let unchanged = 0
  for await (const { at, subject, facts, decided, steps } of attempts) {
    total++
    const decision = decide(draft, { ...facts, at })
    const from = { action: decided, steps: decided === 'chain' ? steps : 0 }
    const to = {
      action: decision.action,
      steps: decision.action === 'chain' ? decision.chain.requiredSteps : 0,
    }
    const [before, after] = [strictness(from), strictness(to)]
    const change = { subject, rule: decision.rule, from, to, at }
    if (after === before) unchanged++
    else if (after < before) groups.letThrough.add(change)
    else if (to.action === 'deny') groups.denied.add(change)
    else groups.steppedUp.add(change)
  }
  return {
    total,
    unchanged,
    denied: groups.denied.report(),
    steppedUp: groups.steppedUp.report(),
    letThrough: groups.letThrough.report(),
  }
}

/** Each step asked for is stricter than one less; to enrol first, stricter than any; a denial strictest. */
function strictness({ action, steps }: ReplayChange['from']): number {
  if (action === 'deny') return Number.POSITIVE_INFINITY
  return action === 'enrol' ? Number.MAX_SAFE_INTEGER : steps
}

function createGroup() {
  const changes = new Map<string, ReplayChange>()
  return {
    add({ at, ...change }: Pick<ReplayChange, 'subject' | 'rule' | 'from' | 'to'> & { at: number }): void {
      const key = JSON.stringify(change)
      const known = changes.get(key)
      changes.set(key, {
        ...change,
        count: (known?.count ?? 0) + 1,
        firstAt: Math.min(at, known?.firstAt ?? at),
        lastAt: Math.max(at, known?.lastAt ?? at),
      })
    },
    report(): ReplayGroup {
      const list = [...changes.values()].sort((a, b) => b.count - a.count)
      return { count: list.reduce((sum, change) => sum + change.count, 0), changes: list }
    },
  }
}
