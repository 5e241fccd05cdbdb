import { isEnforcementState } from '../enrolment/enforcement.ts'
import { isFactorType } from '../factors/factor.ts'
import { readEntry } from '../ledger/canonical.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import type { Store } from '../store.ts'
import type { DecisionFacts } from './conditions.ts'
import type { RecordedDecision } from './replay.ts'

const pageSize = 500

const decided: Record<string, RecordedDecision['decided']> = {
  'attempt.started': 'chain',
  'attempt.allowed': 'allow',
  'attempt.denied': 'deny',
  'attempt.must_enrol': 'enrol',
}

/** What the ledger holds of decisions since then, oldest first, a page at a time. */
export async function* recordedDecisions(
  store: Pick<Store, 'read'>,
  since: number,
): AsyncGenerator<RecordedDecision> {
  let after = 0
  for (;;) {
    const page = await store.read((tx) => tx.ledger.entries(after, pageSize, { since }))
    for (const entry of page) {
      const recorded = await readDecision(store, entry)
      if (recorded) yield recorded
    }
    if (page.length < pageSize) return
    after = page.at(-1)!.seq
  }
}

async function readDecision(
  store: Pick<Store, 'read'>,
  entry: LedgerEntry,
): Promise<RecordedDecision | null> {
  const { type, at, gate, subject: id, data } = readEntry(entry)
  const action = decided[type]
  if (action === undefined || !id || !gate) return null
  const subject = await store.read((tx) => tx.subjects.find(id))
  const names = [id, ...(subject ? [subject.ref] : []), ...(subject?.email ? [subject.email] : [])]
  const enrolled = Array.isArray(data.enrolled) ? data.enrolled.filter(isFactorType) : []
  const facts: Omit<DecisionFacts, 'at'> = {
    subjects: names,
    role: textOrNull(data.role),
    company: textOrNull(data.company),
    gate,
    address: textOrNull(data.address),
    newDevice: typeof data.new_device === 'boolean' ? data.new_device : null,
    risk: typeof data.risk === 'number' ? data.risk : null,
    enforcement: isEnforcementState(data.enforcement) ? data.enforcement : null,
    enrolled,
  }
  const steps = typeof data.steps === 'number' ? data.steps : 0
  return { at, subject: subject?.ref ?? id, facts, decided: action, steps }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
