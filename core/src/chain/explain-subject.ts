import type { Clock } from '../clock.ts'
import { type Enforcement, isSecondFactor, judgeEnforcement } from '../enrolment/enforcement.ts'
import { isUsable } from '../factors/factor.ts'
import type { Store } from '../store.ts'
import { findSubject, loginGate } from '../subject/subjects.ts'
import type { DecisionFacts } from './conditions.ts'
import { type Explanation, explainDecision } from './explain.ts'
import type { GatePolicies } from './rules.ts'

export interface ExplainRequest
  extends Required<Pick<DecisionFacts, 'gate' | 'address' | 'newDevice' | 'risk'>> {
  application: string
  /** Any name of the subject. */
  name: string
}

/** Why these policies decide as they do about a subject that is there, as it is now; `null` when it is not. */
export async function explainSubject(
  policies: GatePolicies,
  request: ExplainRequest,
  { store, clock, enforcement }: { store: Store; clock: Clock; enforcement: Enforcement },
): Promise<{ subjectId: string; explanation: Explanation } | null> {
  const { application, name, gate, address, newDevice, risk } = request
  const subject = await findSubject(store, application, name)
  if (!subject) return null
  const active = await store.read((tx) => tx.enrolments.listBySubject(subject.id, { status: 'active' }))
  const { id, ref, email, role, company } = subject
  const now = clock.now()
  const hasFactor = active.some(({ factor }) => isSecondFactor(factor))
  const facts = {
    ...{ role, company, gate, address, newDevice, risk, at: now },
    // Other gates ask for what their own policies say.
    enforcement: gate === loginGate ? judgeEnforcement(enforcement, { subject, hasFactor, now }).state : null,
  }
  const explanation = explainDecision(policies, {
    ...facts,
    subjects: [id, ref, name, ...(email === null ? [] : [email])],
    enrolled: active.filter(isUsable).map(({ factor }) => factor),
  })
  return { subjectId: id, explanation }
}
