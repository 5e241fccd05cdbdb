import type { Clock } from '../clock.ts'
import type { Enrolment, Subject, Tx } from '../store.ts'
import { isSecondFactor } from './enforcement.ts'

interface Removal {
  subject: Subject
  /** Who does it, when it is not the subject. */
  actor?: string | null
  reason?: string | null
}

/**
 * Removes one factor. With the last second factor go the backup codes: they are the way back to a factor,
 * and with none left they would be one themselves. Answers what was removed.
 */
export async function removeFactor(
  removal: Removal & { enrolmentId: string },
  context: { tx: Tx; clock: Clock },
): Promise<Enrolment[]> {
  const active = await context.tx.enrolments.listBySubject(removal.subject.id, { status: 'active' })
  const target = active.find(({ id, factor }) => id === removal.enrolmentId && factor !== 'password')
  if (!target) return []
  const left = active.filter(({ id, factor }) => id !== target.id && isSecondFactor(factor))
  const orphans =
    left.length > 0 ? [] : active.filter(({ id, factor }) => factor === 'backup' && id !== target.id)
  return revokeEach(removal, [target, ...orphans], context)
}

/** Removes every factor but the password, pending ones too. */
export async function removeAllFactors(
  removal: Removal,
  context: { tx: Tx; clock: Clock },
): Promise<Enrolment[]> {
  const all = await context.tx.enrolments.listBySubject(removal.subject.id)
  const held = all.filter(({ factor, status }) => factor !== 'password' && status !== 'revoked')
  return revokeEach(removal, held, context)
}

async function revokeEach(
  { subject, actor = null, reason = null }: Removal,
  enrolments: readonly Enrolment[],
  { tx, clock }: { tx: Tx; clock: Clock },
): Promise<Enrolment[]> {
  const at = clock.now()
  const revoked: Enrolment[] = []
  for (const enrolment of enrolments) {
    if (!(await tx.enrolments.revoke(enrolment.id, at))) continue
    revoked.push(enrolment)
    const data = { enrolment: enrolment.id, factor: enrolment.factor, reason }
    tx.ledger.append({ type: 'enrolment.revoked', at, subject: subject.id, actor, data })
  }
  return revoked
}
