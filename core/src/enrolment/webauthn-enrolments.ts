import { attemptBinding, lockPresentSubject, proofBinding } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import { isUsable } from '../factors/factor.ts'
import {
  counterSpend,
  type RegisteredCredential,
  type RelyingParty,
  sentChallenge,
  type WebauthnChallenges,
  type WebauthnFault,
  type WebauthnVerifier,
} from '../factors/webauthn.ts'
import { consume } from '../once.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import {
  type CreationOptions,
  creationOptions,
  describeCredential,
  type RequestOptions,
  type UserVerification,
} from './webauthn-options.ts'

const tenMinutes = 10 * 60_000
const openPending = 5

export interface WebauthnSettings {
  userVerification: UserVerification
  attestation: 'none' | 'direct'
  /** The models of authenticator that may be registered; empty for all. */
  aaguids: readonly string[]
  /** How long a person has to answer, in milliseconds. */
  lifetime: number
}

export interface WebauthnEnrolmentsOptions extends WebauthnSettings {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  verifier: WebauthnVerifier
  challenges: WebauthnChallenges
  relyingParty(application: string): Promise<RelyingParty | null>
}

export type WebauthnBegun =
  | { status: 'begun'; options: CreationOptions; enrolment: Enrolment }
  | { status: 'unavailable' }

export type WebauthnConfirmed =
  | { status: 'confirmed'; enrolment: Enrolment }
  | { status: 'rejected'; why: WebauthnFault }
  | { status: 'nothing_pending' }
  | { status: 'unavailable' }

export interface WebauthnEnrolments {
  /** Begins to register a key, pending until `confirm`. `asFirst` as for an authenticator app. */
  begin(request: {
    subject: Subject
    account: string
    name: string
    asFirst: boolean
  }): Promise<WebauthnBegun>
  /** What the authenticator made of the options. */
  confirm(request: { subject: Subject; response: unknown }): Promise<WebauthnConfirmed>
  /** What a page asks its browser for, to prove with a key; `null` where the subject has none. */
  request(wanted: {
    subject: Subject
    for: { attempt: string } | { gate: string; session?: string }
  }): Promise<RequestOptions | null>
}

/** Registering passkeys and security keys: Web Authentication, section 7.1. */
export function createWebauthnEnrolments(options: WebauthnEnrolmentsOptions): WebauthnEnrolments {
  const { store, vault, clock, random, verifier, challenges, relyingParty } = options
  const { userVerification, attestation, aaguids, lifetime: timeout } = options

  const begin: WebauthnEnrolments['begin'] = async ({ subject, account, name, asFirst }) => {
    const rp = await relyingParty(subject.application)
    if (!rp) return { status: 'unavailable' }
    const challenge = Buffer.from(random.bytes(32)).toString('base64url')
    const enrolment = draft(subject, { name, challenge, asFirst })
    return store.transaction(async (tx): Promise<WebauthnBegun> => {
      await lockPresentSubject(tx, subject.id)
      await dropStalePending(tx, subject.id)
      await tx.enrolments.insert(enrolment)
      append(tx, 'enrolment.begun', enrolment)
      const held = await tx.enrolments.listBySubject(subject.id, { status: 'active', factor: 'webauthn' })
      const asked = { rp, subject, account, challenge, timeout, held, userVerification, attestation }
      return { status: 'begun', options: creationOptions(asked), enrolment }
    })
  }

  const confirm: WebauthnEnrolments['confirm'] = async ({ subject, response }) => {
    const rp = await relyingParty(subject.application)
    if (!rp) return { status: 'unavailable' }
    const challenge = answered(response)
    const enrolment = await findPending(subject, challenge)
    if (!enrolment || challenge === null) return { status: 'nothing_pending' }
    const made = await verifier.register({
      ...{ response, challenge, rp },
      userVerification: userVerification === 'required',
    })
    if ('fault' in made) return reject(enrolment, made.fault)
    // An unattested model is whatever it says it is.
    const approved = aaguids.length === 0 || (made.format !== 'none' && aaguids.includes(made.aaguid))
    if (!approved) return reject(enrolment, 'attestation')
    const stored = await store.transaction((tx) => activate(tx, { subject, enrolment, made, rp, response }))
    return stored ?? reject(enrolment, 'credential')
  }

  /** `null` when the credential is somebody's already, and then nothing is written. */
  async function activate(
    tx: Tx,
    registration: {
      subject: Subject
      enrolment: Enrolment
      made: RegisteredCredential
      rp: RelyingParty
      response: unknown
    },
  ): Promise<WebauthnConfirmed | null> {
    const { subject, enrolment, made, rp, response } = registration
    await lockPresentSubject(tx, subject.id)
    const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
    const hasFactor = active.some(({ factor }) => factor !== 'password')
    if (enrolment.settings.as_first && hasFactor) return { status: 'nothing_pending' }
    const { application } = subject
    const claimed = { application, id: made.credentialId, enrolmentId: enrolment.id }
    if (!(await tx.credentials.insert(claimed))) return null
    if (made.signCount > 0) await consume(tx, [counterSpend(enrolment.id, made.signCount)])
    const at = clock.now()
    const keep = {
      sealed: vault.seal({ subject: subject.id, purpose: 'webauthn', plaintext: made.publicKey }),
      settings: {
        credential_id: made.credentialId,
        transports: transportsOf(response),
        aaguid: made.aaguid,
        attestation: made.format,
        rp_id: rp.id,
        sign_count: made.signCount,
        user_verified: made.userVerified,
        backup_eligible: made.backupEligible,
        backed_up: made.backedUp,
      },
    }
    if (!(await tx.enrolments.activate(enrolment.id, at, keep))) return { status: 'nothing_pending' }
    append(tx, 'enrolment.confirmed', enrolment)
    return { status: 'confirmed', enrolment: { ...enrolment, ...keep, status: 'active', confirmedAt: at } }
  }

  const request: WebauthnEnrolments['request'] = async ({ subject, for: asked }) => {
    const rp = await relyingParty(subject.application)
    const filter = { status: 'active', factor: 'webauthn' } as const
    const held = await store.read((tx) => tx.enrolments.listBySubject(subject.id, filter))
    const usable = held.filter(isUsable)
    if (!rp || usable.length === 0) return null
    const binding =
      'attempt' in asked ? attemptBinding(asked.attempt) : proofBinding({ subjectId: subject.id, ...asked })
    return {
      challenge: await challenges.issue(binding),
      rpId: rp.id,
      allowCredentials: usable.map(describeCredential),
      ...{ timeout, userVerification },
    }
  }

  async function findPending(subject: Subject, challenge: string | null): Promise<Enrolment | undefined> {
    const filter = { status: 'pending', factor: 'webauthn' } as const
    const pending = await store.read((tx) => tx.enrolments.listBySubject(subject.id, filter))
    return pending.find(
      ({ settings, expiresAt }) => settings.challenge === challenge && (expiresAt ?? 0) > clock.now(),
    )
  }

  function draft(
    subject: Subject,
    { name, challenge, asFirst }: { name: string; challenge: string; asFirst: boolean },
  ): Enrolment {
    const now = clock.now()
    return {
      ...{ id: randomId(random), subjectId: subject.id, factor: 'webauthn', name, status: 'pending' },
      sealed: null,
      settings: { challenge, ...(asFirst && { as_first: true }) },
      ...{ createdAt: now, confirmedAt: null, revokedAt: null, lastUsedAt: null },
      expiresAt: now + tenMinutes,
    }
  }

  /** Asking again and again leaves a handful of pending enrolments, never a heap. */
  async function dropStalePending(tx: Tx, subjectId: string): Promise<void> {
    const filter = { status: 'pending', factor: 'webauthn' } as const
    const pending = await tx.enrolments.listBySubject(subjectId, filter)
    const now = clock.now()
    const live = pending.filter(({ expiresAt }) => (expiresAt ?? 0) > now)
    const kept = new Set(live.slice(-(openPending - 1)))
    for (const enrolment of pending) {
      if (!kept.has(enrolment)) await tx.enrolments.revoke(enrolment.id, now)
    }
  }

  async function reject(enrolment: Enrolment, why: WebauthnFault): Promise<WebauthnConfirmed> {
    await store.transaction(async (tx) => append(tx, 'enrolment.rejected', enrolment, { why }))
    return { status: 'rejected', why }
  }

  function append(tx: Tx, type: string, enrolment: Enrolment, more: Record<string, string> = {}): void {
    const { subjectId: subject, id, factor } = enrolment
    tx.ledger.append({ type, at: clock.now(), subject, data: { enrolment: id, factor, ...more } })
  }

  return { begin, confirm, request }
}

function answered(response: unknown): string | null {
  const json = (response as { response?: { clientDataJSON?: unknown } } | null)?.response?.clientDataJSON
  return typeof json === 'string' ? sentChallenge(json) : null
}

/** How the authenticator is reached, as the browser says; told to the browser again, and believed by nobody. */
function transportsOf(response: unknown): string[] {
  const named = (response as { response?: { transports?: unknown } }).response?.transports
  const words = Array.isArray(named) ? named : []
  return words.filter((word) => typeof word === 'string' && /^[a-z-]{1,20}$/.test(word)).slice(0, 8)
}
