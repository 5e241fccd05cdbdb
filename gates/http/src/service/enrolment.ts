import {
  canonicalAlias,
  createSubject,
  type Enrolment,
  qrPngDataUrl,
  SallyportError,
  type Subject,
  type Tx,
} from '@sallyport/core'
import { serviceRoutes, yubikeyRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { unavailable, unconfirmed } from '../login/webauthn-calls.ts'
import { Refusal, refuseUntil } from '../refusal.ts'
import type { GateServices } from '../services.ts'
import { notEnrolled, yubikeysOff } from '../yubikey-refusals.ts'
import { actorOf, done, findNamed, type Named, readName } from './naming.ts'

/** Registering an authenticator, and confirming it. Subjects come to be with their first one. */
export function registerEnrolment(bind: Binder, services: GateServices): void {
  const { store, clock, random, enrolments, sessions, webauthn, yubikeys } = services

  bind(serviceRoutes.enrol, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const { subject: known, issuer, active } = await store.read((tx) => standing(tx, named))
    if (active.length > 0 && !isProven(active)) return unproven()
    const subject = await settleSubject({ named, known, email: body.email ?? null })
    const begun = await enrolments.beginTotp({
      subject,
      issuer,
      account: body.account_name ?? subject.ref,
      name: 'Authenticator',
      asFirst: active.length === 0,
    })
    return {
      ...done,
      secret: begun.secret,
      provisioning_uri: begun.provisioningUri,
      qr_code: qrPngDataUrl(begun.provisioningUri),
      backup_codes: begun.backupCodes ?? [],
    }
  })

  bind(serviceRoutes.enrolFido2, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    if (body.device_name === undefined) return confirmKey(named, body.response)
    if (!webauthn) return unavailable()
    const { subject: known, active } = await store.read((tx) => standing(tx, named))
    if (active.length > 0 && !isProven(active)) return unproven()
    const subject = await settleSubject({ named, known, email: null })
    const wanted = { subject, account: subject.ref, name: body.device_name }
    const begun = await webauthn.begin({ ...wanted, asFirst: active.length === 0 })
    return begun.status === 'begun' ? begun.options : unavailable()
  })

  async function confirmKey(named: Named, response: unknown) {
    const subject = await findNamed(store, named)
    if (!subject) return nothingPending()
    const outcome = await webauthn?.confirm({ subject, response })
    if (outcome?.status !== 'confirmed') return unconfirmed(outcome)
    return { ...done, credential_id: String(outcome.enrolment.settings.credential_id) }
  }

  bind(serviceRoutes.confirm, async ({ caller, body }) => {
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const subject = await findNamed(store, named)
    if (!subject) return nothingPending()
    const outcome = await enrolments.confirmTotp({ subject, code: body.code })
    switch (outcome.status) {
      case 'confirmed':
        return done
      case 'rejected':
        return new Refusal('invalid_code', 'this code is wrong: it must come from the new authenticator')
      case 'locked':
        return refuseUntil('locked', 'too many wrong codes', { until: outcome.until, now: clock.now() })
      case 'nothing_pending':
        return nothingPending()
    }
  })

  bind(yubikeyRoutes.enrolForSubject, async ({ caller, body }) => {
    if (!yubikeys) return yubikeysOff()
    const named = readName(caller, body)
    if (named instanceof Refusal) return named
    const { subject: known, active } = await store.read((tx) => standing(tx, named))
    if (active.length > 0 && !isProven(active)) return unproven()
    const subject = await settleSubject({ named, known, email: null })
    const { otp, device_name: name = 'YubiKey' } = body
    const outcome = await yubikeys.enrol({ subject, otp, name, asFirst: active.length === 0 })
    if (outcome.status === 'enrolled') return { ...done, public_id: outcome.publicId }
    return outcome.status === 'proof_required' ? unproven() : notEnrolled(outcome, { now: clock.now() })
  })

  async function standing(tx: Tx, { key, alias }: Named) {
    const application = await tx.applications.find(key.application)
    const subject = await tx.subjects.findByAlias(key.application, alias)
    const active = subject ? await tx.enrolments.listBySubject(subject.id, { status: 'active' }) : []
    return { subject, active, issuer: application?.issuer ?? key.application }
  }

  /** The application vouches that the person is there; that they hold a factor, only a code shows. */
  function isProven(active: readonly Enrolment[]): boolean {
    return active.some(({ lastUsedAt: provedAt }) => sessions.isFresh({ provedAt }))
  }

  async function settleSubject(wanted: {
    named: Named
    known: Subject | null
    email: string | null
  }): Promise<Subject> {
    const { named, known, email } = wanted
    if (known) return email === null || email === known.email ? known : changeEmail(known, { named, email })
    try {
      return await addSubject(named, email)
    } catch (error) {
      // Another call for the same new subject was faster: both mean one subject.
      const taken = error instanceof SallyportError && error.code === 'already_exists'
      const found = taken ? await findNamed(store, named) : null
      if (found) return found
      throw error
    }
  }

  function addSubject({ ref, key }: Named, email: string | null): Promise<Subject> {
    const wanted = { application: key.application, ref, email, emailVerified: true }
    return store.transaction(async (tx) => {
      const subject = await createSubject(wanted, { tx, clock, random })
      const at = subject.createdAt
      tx.ledger.append({ type: 'subject.created', at, subject: subject.id, actor: actorOf(key) })
      return subject
    })
  }

  async function changeEmail(subject: Subject, change: { named: Named; email: string }): Promise<Subject> {
    const { named, email } = change
    const alias = canonicalAlias(email)
    const before = subject.email === null ? null : canonicalAlias(subject.email)
    const now = clock.now()
    return store.transaction(async (tx) => {
      if (alias === null || !(await tx.subjects.addAlias(subject.id, alias))) {
        throw new SallyportError('already_exists', 'another subject has this e-mail address')
      }
      const keeps = before === null || before === alias || before === canonicalAlias(subject.ref)
      if (!keeps) await tx.subjects.removeAlias(subject.id, before)
      await tx.subjects.update(subject.id, { email, emailVerifiedAt: now })
      const actor = actorOf(named.key)
      tx.ledger.append({ type: 'subject.email_changed', at: now, subject: subject.id, actor })
      return { ...subject, email, emailVerifiedAt: now }
    })
  }
}

function unproven(): Refusal {
  return new Refusal('step_up_required', 'a factor is enrolled: verify one of its codes first')
}

function nothingPending(): Refusal {
  return new Refusal('nothing_pending', 'nothing is to be confirmed, or not any more: enrol first')
}
