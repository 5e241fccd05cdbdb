import {
  type ConfirmOutcome,
  canRemoveFactor,
  defaultLoginPolicies,
  type Enrolment,
  isSecondFactor,
  judgeEnforcement,
  qrPngDataUrl,
  removeAllFactors,
  removeFactor,
  type Subject,
  type Tx,
} from '@sallyport/core'
import { authRoutes } from '@sallyport/protocol'
import { invalidToken, stepUpRequired } from '../access.ts'
import type { Binder, Call } from '../bind.ts'
import { codeLengths } from '../code-lengths.ts'
import { Refusal, refuseUntil, wrongCode } from '../refusal.ts'
import { enrolledAnswer } from './enrolled-answer.ts'
import { iso, isSecond, type LoginContext, type Method, personOf } from './login-context.ts'

/** A person's own factors: adding, looking at, renaming and removing them. */
export function registerFactors(bind: Binder, login: LoginContext): void {
  const { services, access, config } = login
  const { enrolments, emailCodes, attempts, outbox, enforcement, store, clock } = services

  bind(authRoutes.enrolTotp, async (call) => {
    const person = personOf(call)
    const proof = await access.proofOf(person)
    if (!proof) return stepUpRequired()
    const { subject } = person
    const name = call.body.name ?? 'Authenticator'
    const begun = await enrolments.beginTotp({
      subject,
      issuer: config.totpIssuer,
      account: subject.email ?? subject.ref,
      name,
      // Begun without proof, since there was nothing to prove with: it must not become a second factor.
      asFirst: proof === 'nothing_enrolled',
    })
    return {
      enrolment_id: begun.enrolment.id,
      secret: begun.secret,
      provisioning_uri: begun.provisioningUri,
      qr_code: qrPngDataUrl(begun.provisioningUri),
      backup_codes: begun.backupCodes ?? [],
    }
  })

  bind(authRoutes.enrolEmail, async (call) => {
    const person = personOf(call)
    if (!(await access.proofOf(person))) return stepUpRequired()
    const begun = await emailCodes.begin(person.subject)
    if (begun.status === 'too_many') {
      return refuseUntil('too_many_attempts', 'too many codes were sent: wait, then try again', {
        until: begun.until,
        now: clock.now(),
      })
    }
    if (begun.status === 'already_enrolled')
      return new Refusal('already_exists', 'this address is a factor already')
    if (begun.status === 'unavailable')
      return new Refusal('nothing_pending', 'this account has no address that mail can go to')
    return { success: true as const, message: 'A code is on its way.', expires_in_minutes: 10 }
  })

  bind(authRoutes.confirmEnrolment, async (call) => {
    const { session, subject } = personOf(call)
    const pending = await newestPending(subject.id, call.body.enrolment_id)
    if (!pending) return nothingPending()
    const claim = { subject, enrolmentId: pending.id, code: call.body.code }
    const outcome =
      pending.factor === 'email' ? await emailCodes.confirm(claim) : await enrolments.confirmTotp(claim)
    if (outcome.status !== 'confirmed') return unconfirmed(outcome)
    return enrolledAnswer(login, call, { session, subject, enrolment: outcome.enrolment })
  })

  async function newestPending(subjectId: string, wanted: string | undefined): Promise<Enrolment | null> {
    const pending = await store.read((tx) => tx.enrolments.listBySubject(subjectId, { status: 'pending' }))
    const now = clock.now()
    const live = pending.filter(
      ({ factor, expiresAt }) =>
        // A security key is not confirmed by a code.
        isSecondFactor(factor) && factor !== 'webauthn' && expiresAt !== null && expiresAt > now,
    )
    return live.findLast(({ id }) => id === (wanted ?? id)) ?? null
  }

  function unconfirmed(outcome: Exclude<ConfirmOutcome, { status: 'confirmed' }>): Refusal {
    if (outcome.status === 'nothing_pending') return nothingPending()
    if (outcome.status === 'rejected')
      return new Refusal('invalid_code', 'this code is not right, or was used before')
    return refuseUntil('locked', 'too many wrong codes: wait, or begin the enrolment anew', {
      until: outcome.until,
      now: clock.now(),
    })
  }

  bind(authRoutes.status, async (call) => {
    const { subject } = personOf(call)
    const [active, current] = await store.read(async (tx) => [
      (await tx.enrolments.listBySubject(subject.id, { status: 'active' })).filter(
        ({ factor }) => factor !== 'password',
      ),
      (await tx.subjects.find(subject.id)) ?? subject,
    ])
    const second = active.filter(({ factor }) => isSecondFactor(factor))
    const demand = judgeEnforcement(enforcement, {
      subject: current,
      hasFactor: second.length > 0,
      now: clock.now(),
    })
    const lastUse = Math.max(0, ...active.map(({ lastUsedAt }) => lastUsedAt ?? 0))
    const preferred = second.toSorted((a, b) => (b.lastUsedAt ?? 0) - (a.lastUsedAt ?? 0))[0]
    return {
      enabled: second.length > 0,
      method: (preferred?.factor as Method | undefined) ?? null,
      enrolled_at: timeOrNull(second[0]?.confirmedAt),
      last_verified_at: lastUse === 0 ? null : iso(lastUse),
      factors: active.map(describeFactor),
      backup_codes_remaining: await enrolments.backupCodesLeft(subject.id),
      ...codeLengths(active),
      required: demand.required,
      grace_until: timeOrNull(demand.graceUntil),
    }
  })

  bind(authRoutes.renameFactor, async (call) => {
    const { subject } = personOf(call)
    const { id } = call.params
    const renamed = await store.transaction(async (tx) => {
      const enrolment = await ownFactor(tx, subject, id)
      if (!enrolment || !(await tx.enrolments.rename(id, call.body.name))) return null
      tx.ledger.append({
        type: 'enrolment.renamed',
        at: clock.now(),
        subject: subject.id,
        data: { enrolment: id },
      })
      return { ...enrolment, name: call.body.name }
    })
    return renamed ? describeFactor(renamed) : noSuchFactor()
  })

  bind(authRoutes.removeFactor, async (call) => {
    const { subject } = personOf(call)
    const enrolmentId = call.params.id
    const outcome = await store.transaction(async (tx) => {
      const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
      if (!canRemoveFactor(enforcement, { subject, active, enrolmentId })) return 'enforced'
      const removed = await removeFactor({ subject, enrolmentId }, { tx, clock })
      await tellRemoved(tx, subject, removed)
      return removed.length > 0 ? 'removed' : 'unknown'
    })
    void outbox.kick()
    if (outcome === 'enforced') return enforced()
    return outcome === 'removed'
      ? { success: true as const, message: 'The factor is removed.' }
      : noSuchFactor()
  })

  bind(authRoutes.disable, async (call) => {
    const { subject } = personOf(call)
    if (judgeEnforcement(enforcement, { subject, hasFactor: true, now: clock.now() }).required)
      return enforced()
    return prove(call, 'disable', async (tx) => {
      await tellRemoved(tx, subject, await removeAllFactors({ subject }, { tx, clock }))
      return { success: true as const, message: 'Multi-factor authentication is off.' }
    })
  })

  bind(authRoutes.regenerateBackupCodes, async (call) => {
    const { subject } = personOf(call)
    const proved = await prove(call, 'backup-codes', async () => null)
    if (proved instanceof Refusal) return proved
    const codes = await enrolments.regenerateBackupCodes(subject)
    await store.transaction((tx) =>
      outbox.notify(tx, { subject, kind: 'backup_codes_regenerated', facts: {} }),
    )
    void outbox.kick()
    return { backup_codes: codes }
  })

  /** Fresh proof by the code that the call itself carries, through the one path and its budget. */
  async function prove<Done>(
    call: Pick<Call<never>, 'caller' | 'address'> & {
      body: { code?: string | undefined; response?: unknown; method?: Method | undefined }
    },
    purpose: string,
    grant: (tx: Tx) => Promise<Done>,
  ): Promise<Done | Refusal> {
    const { subject, session } = personOf(call)
    const { code, response, method } = call.body
    const input = code ?? response
    const outcome = await attempts.prove({
      ...{ gate: 'login', purpose, subject, input, grant, session: session.id },
      policies: defaultLoginPolicies,
      facts: { address: call.address },
      ...(method === undefined ? {} : { method }),
    })
    void outbox.kick()
    if (outcome.status === 'complete') return outcome.grant
    if (outcome.status === 'rejected') return wrongCode(outcome, { now: clock.now() })
    if (outcome.status === 'locked') {
      return refuseUntil('locked', 'too many wrong codes: wait, then try again', {
        until: outcome.until,
        now: clock.now(),
      })
    }
    if (outcome.status === 'gone') return invalidToken()
    return new Refusal('nothing_enrolled', 'this account has no factor enrolled')
  }

  async function tellRemoved(tx: Tx, subject: Subject, removed: readonly Enrolment[]): Promise<void> {
    for (const { factor, name } of removed.filter((gone) => gone.factor !== 'backup')) {
      await outbox.notify(tx, { subject, kind: 'factor_removed', facts: { factor, name } })
    }
  }
}

async function ownFactor(tx: Tx, subject: Subject, id: string): Promise<Enrolment | null> {
  const enrolment = await tx.enrolments.find(id)
  const own = enrolment?.subjectId === subject.id && enrolment.status === 'active'
  return own && enrolment.factor !== 'password' ? enrolment : null
}

function describeFactor({ id, factor, name, confirmedAt, lastUsedAt, settings }: Enrolment) {
  if (!isSecond(factor)) throw new TypeError('a password is not shown among the factors')
  return {
    id,
    type: factor,
    name,
    enrolled_at: timeOrNull(confirmedAt),
    last_used_at: timeOrNull(lastUsedAt),
    ...(typeof settings.locked_at === 'number' && { locked_at: iso(settings.locked_at) }),
  }
}

function timeOrNull(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : iso(at)
}

function noSuchFactor(): Refusal {
  return new Refusal('not_found', 'there is no such factor')
}

function nothingPending(): Refusal {
  return new Refusal('nothing_pending', 'there is no enrolment to confirm: begin one')
}

function enforced(): Refusal {
  return new Refusal('mfa_enforced', 'this account must have a second factor: enrol another one first')
}
