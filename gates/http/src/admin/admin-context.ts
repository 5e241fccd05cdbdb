import { builtInRoles, nameBrowser, type Session } from '@sallyport/core'
import type { Call } from '../bind.ts'
import { iso, personOf } from '../login/login-context.ts'
import { Refusal } from '../refusal.ts'
import type { GateConfig, GateServices } from '../services.ts'

type Caller = Pick<Call<never>, 'caller'>

/** Who does it, as the ledger names them. */
export function actorOf(call: Caller): string {
  return `subject:${personOf(call).subject.id}`
}

/** Whoever looks at people's data is on record before they see it. */
export async function recordRead(
  { store, clock }: GateServices,
  call: Caller,
  read: { what: string; subject?: string },
): Promise<void> {
  const { what, subject = null } = read
  const record = { type: 'admin.read', at: clock.now(), subject, actor: actorOf(call), data: { what } }
  await store.transaction(async (tx) => tx.ledger.append(record))
}

export function pageRequest({ after, limit }: { after?: string | undefined; limit: number }) {
  return { after: after ?? null, limit }
}

export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at)
}

export function describeSession(session: Session) {
  return {
    id: session.id,
    user_id: session.subjectId,
    kind: session.kind,
    created_at: iso(session.createdAt),
    expires_at: iso(session.expiresAt),
    proved_at: isoOrNull(session.provedAt),
    amr: [...session.factors],
    address: session.address,
    user_agent: session.userAgent,
    browser: nameBrowser(session.userAgent),
  }
}

/** The roles there are: a slip of the pen must not make one. */
export function knownRoles({ roles }: GateConfig, { enforcement }: GateServices): string[] {
  return [...new Set([...builtInRoles, ...roles, ...Object.keys(enforcement.roles)])]
}

export function noSuch(what: string): Refusal {
  return new Refusal('not_found', `there is no such ${what}`)
}

export function invalidField(path: string, message: string): Refusal {
  return new Refusal('invalid_input', 'the request cannot be used as it is', {
    extra: { errors: [{ path, message }] },
  })
}

export function done(message: string) {
  return { success: true as const, message }
}
