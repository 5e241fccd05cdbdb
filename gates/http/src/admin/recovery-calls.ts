import {
  type Enrolment,
  findUser,
  type IssuedLink,
  lockSubject,
  removeFactor,
  ticketLink,
} from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder, Call } from '../bind.ts'
import { iso, isSecond, type LoginContext, type Method, personOf } from '../login/login-context.ts'
import { Refusal } from '../refusal.ts'
import type { GateConfig } from '../services.ts'
import { actorOf, done, isoOrNull, noSuch, recordRead } from './admin-context.ts'

/** What an administrator may do about somebody else's factors. Their own are changed under `/auth/mfa` (P5). */
export function registerRecovery(bind: Binder, login: LoginContext): void {
  const { services, config, memory } = login
  const { store, clock, users, recovery, outbox } = services

  bind(adminRoutes.userFactors, async (call) => {
    const { id } = call.params
    const all = await store.read(async (tx) => (await findUser(tx, id)) && tx.enrolments.listBySubject(id))
    if (!all) return noSuch('user')
    await recordRead(services, call, { what: 'factors', subject: id })
    return { items: all.filter(isFactor).map(describeFactor), next: null }
  })

  bind(adminRoutes.removeUserFactor, async (call) => {
    const { id, factor: enrolmentId } = call.params
    if (isSelf(call, id)) return ownFactors()
    const removed = await store.transaction(async (tx) => {
      await lockSubject(tx, id)
      const subject = await findUser(tx, id)
      if (!subject) return []
      const gone = await removeFactor({ subject, enrolmentId, actor: actorOf(call) }, { tx, clock })
      for (const { factor, name } of gone) {
        if (factor === 'backup') continue
        await outbox.notify(tx, { subject, kind: 'factor_removed', facts: { factor, name } })
      }
      return gone
    })
    void outbox.kick()
    return removed.length > 0 ? done('The factor is removed.') : noSuch('factor')
  })

  bind(adminRoutes.unlockUser, async (call) => {
    const cleared = await users.unlock({ id: call.params.id, actor: actorOf(call) })
    if (cleared === null) return noSuch('user')
    return done(cleared ? 'The user is unlocked.' : 'No wrong guesses were counted.')
  })

  bind(adminRoutes.resetFactors, async (call) => {
    const { id } = call.params
    if (isSelf(call, id)) return ownFactors()
    const outcome = await recovery.resetFactors({ id, actor: actorOf(call), ...call.body })
    if (!outcome) return noSuch('user')
    for (const session of outcome.ended) memory.forget(session)
    void outbox.kick()
    const { removed, ended, link } = outcome
    return { removed, sessions_ended: ended.length, ...describeLink(link, config) }
  })

  bind(adminRoutes.enrolmentLink, async (call) => {
    const { id } = call.params
    if (isSelf(call, id)) return ownFactors()
    const { reason = null, mail } = call.body
    const outcome = await recovery.enrolmentLink({ id, actor: actorOf(call), reason, mail })
    if (outcome.status === 'unknown') return noSuch('user')
    if (outcome.status === 'enrolled')
      return new Refusal('already_exists', 'this user has a factor: reset the factors first')
    if (mail) void outbox.kick()
    return describeLink(outcome.link, config)
  })

  bind(adminRoutes.issuePass, async (call) => {
    const { id } = call.params
    if (isSelf(call, id)) return ownFactors()
    const issued = await recovery.issuePass({ id, actor: actorOf(call), reason: call.body.reason })
    return issued ? { pass: issued.pass, expires_at: iso(issued.expiresAt) } : noSuch('user')
  })
}

/** A link as it is answered: to whoever asked for it, or to nobody when it was mailed. */
export function describeLink({ purpose, token, expiresAt }: IssuedLink, { publicUrl }: GateConfig) {
  const link = token === null ? null : ticketLink(publicUrl, { purpose, token })
  return { purpose, mailed: token === null, link, token, expires_at: iso(expiresAt) }
}

type Second = Enrolment & { factor: Method }

function isFactor(enrolment: Enrolment): enrolment is Second {
  return isSecond(enrolment.factor)
}

function describeFactor(enrolment: Second) {
  return {
    id: enrolment.id,
    type: enrolment.factor,
    name: enrolment.name,
    status: enrolment.status,
    created_at: iso(enrolment.createdAt),
    enrolled_at: isoOrNull(enrolment.confirmedAt),
    revoked_at: isoOrNull(enrolment.revokedAt),
    last_used_at: isoOrNull(enrolment.lastUsedAt),
  }
}

function isSelf(call: Pick<Call<never>, 'caller'>, id: string): boolean {
  return personOf(call).subject.id === id
}

function ownFactors(): Refusal {
  return new Refusal('forbidden', 'your own factors are changed under /auth/mfa, or by another administrator')
}
