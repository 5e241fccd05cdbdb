import { randomId } from '../clock.ts'
import { isUsable } from '../factors/factor.ts'
import type { LedgerRecord } from '../ledger/entry.ts'
import type { Tx } from '../store.ts'
import type { Attempt } from './attempt.ts'
import type { StartOutcome, StartRequest } from './attempt-calls.ts'
import type { AttemptContext } from './attempt-context.ts'
import type { DecisionFacts } from './conditions.ts'
import { drawChain } from './draw.ts'
import { decide } from './rules.ts'

export interface DecidedAttempt {
  outcome: StartOutcome
  record: LedgerRecord
}

/** What the policies make of the subject now, and what there is to record of it; writes nothing. */
export async function decideAttempt(
  tx: Tx,
  request: StartRequest,
  { factors, clock, random, lifetime }: AttemptContext,
): Promise<DecidedAttempt> {
  const { subject, gate, purpose, policies } = request
  const now = clock.now()
  const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
  const enrolled = [
    ...active
      .filter(isUsable)
      .map(({ factor }) => factor)
      .filter((kind) => factors.has(kind) && !factors.get(kind)?.challenged),
    ...[...factors.keys()].filter((kind) => factors.get(kind)?.challenged?.(subject, active, now)),
  ]
  const facts: DecisionFacts = {
    ...request.facts,
    subjects: [subject.id, subject.ref, ...(subject.email === null ? [] : [subject.email])],
    role: subject.role,
    company: subject.company,
    gate,
    at: now,
    enrolled,
  }
  const decision = decide(policies, facts)
  const recordOf = (type: string, data: LedgerRecord['data'] = {}): LedgerRecord => ({
    type,
    at: now,
    gate,
    subject: subject.id,
    data: { ...describeFacts(facts), rule: decision.rule, ...data },
  })
  if (decision.action !== 'chain') {
    const status = ({ allow: 'allowed', deny: 'denied', enrol: 'must_enrol' } as const)[decision.action]
    return { outcome: { status, rule: decision.rule }, record: recordOf(`attempt.${status}`) }
  }
  const attempt: Attempt = {
    id: randomId(random),
    gate,
    application: subject.application,
    subjectId: subject.id,
    session: request.session ?? null,
    purpose,
    rule: decision.rule,
    policy: decision.chain,
    trustedDevices: decision.trustedDevices,
    chain: drawChain(decision.chain, random),
    cursor: 0,
    passed: [],
    status: 'pending',
    revision: 0,
    createdAt: now,
    expiresAt: now + lifetime,
  }
  const started = { attempt: attempt.id, purpose, steps: attempt.chain.length }
  return { outcome: { status: 'pending', attempt }, record: recordOf('attempt.started', started) }
}

/** Stores what was decided, and the record of it. */
export async function beginAttempt(tx: Tx, { outcome, record }: DecidedAttempt): Promise<void> {
  if (outcome.status === 'pending') await tx.attempts.insert(outcome.attempt)
  tx.ledger.append(record)
}

/** What a later replay of policies against the ledger needs to decide again. */
function describeFacts(facts: DecisionFacts): NonNullable<LedgerRecord['data']> {
  return {
    role: facts.role,
    company: facts.company,
    address: facts.address ?? null,
    new_device: facts.newDevice ?? null,
    risk: facts.risk ?? null,
    ...(facts.riskReasons?.length ? { risk_reasons: facts.riskReasons } : {}),
    ...(facts.enforcement && { enforcement: facts.enforcement }),
    enrolled: facts.enrolled,
  }
}
