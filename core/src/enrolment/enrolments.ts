import { lockPresentSubject, lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import {
  type BackupFormat,
  backupSpentPrefix,
  generateBackupCodes,
  hashBackupCodes,
} from '../factors/backup.ts'
import { encodeSecret } from '../factors/shared/base32.ts'
import { provisioningUri } from '../factors/shared/provisioning-uri.ts'
import type { TotpSettings } from '../factors/shared/totp-settings.ts'
import { createTotpFactor, newTotpSecret } from '../factors/totp.ts'
import { admitGuess, defaultGuessLimits, type GuessLimits } from '../guard/guard.ts'
import { consume } from '../once.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'

const tenMinutes = 10 * 60_000
const openPending = 5

export interface EnrolmentsOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  totp: TotpSettings & { window: number }
  backup: { format: BackupFormat; count: number; iterations?: number }
  limits?: GuessLimits
}

export interface BeginTotp {
  subject: Subject
  issuer: string
  account: string
  name: string
  /**
   * No factor was proved for this enrolment, since none is there. It dies as soon as one is, however it
   * came: whoever begins early may not add a second factor to somebody's first.
   */
  asFirst?: boolean
}

export interface TotpBegun {
  enrolment: Enrolment
  /** Base32, for typing by hand. Shown this once. */
  secret: string
  provisioningUri: string
  /** Valid from the moment the enrolment is confirmed; `null` when the subject has a set already. */
  backupCodes: string[] | null
}

export type ConfirmOutcome =
  | { status: 'confirmed'; enrolment: Enrolment }
  | { status: 'rejected' }
  | { status: 'locked'; until: number | null }
  | { status: 'nothing_pending' }

export interface Enrolments {
  /** Registers a new authenticator, pending until one of its codes is confirmed. */
  beginTotp(request: BeginTotp): Promise<TotpBegun>
  /** Confirms a pending authenticator, the newest when none is named. Its code is used up by this. */
  confirmTotp(request: { subject: Subject; enrolmentId?: string; code: unknown }): Promise<ConfirmOutcome>
  /** A new set of backup codes; the old ones are void from that moment. */
  regenerateBackupCodes(subject: Subject): Promise<string[]>
  /** A first set for who has none, after a factor was confirmed that brought none; else `null`. */
  firstBackupCodes(subject: Subject): Promise<string[] | null>
  backupCodesLeft(subjectId: string): Promise<number>
  revoke(request: { subject: Subject; enrolmentId: string }): Promise<boolean>
  /** Removes every factor but the password, pending ones as well, as part of `tx`. */
  removeAll(tx: Tx, removal: { subject: Subject; actor?: string; reason?: string }): Promise<void>
}

export function createEnrolments(options: EnrolmentsOptions): Enrolments {
  const { store, vault, clock, random } = options
  const limits = options.limits ?? defaultGuessLimits
  const totpFactor = createTotpFactor({ window: options.totp.window })

  async function beginTotp(request: BeginTotp): Promise<TotpBegun> {
    const { subject, issuer, account, name, asFirst } = request
    const { algorithm, digits, period } = options.totp
    const settings = { algorithm, digits, period, ...(asFirst && { as_first: true }) }
    const secret = newTotpSecret(random)
    const enrolment = draft({ subject, factor: 'totp', name, secret, settings })
    const backupCodes = await store.transaction(async (tx) => {
      await lockPresentSubject(tx, subject.id)
      await dropStalePending(tx, subject.id)
      await tx.enrolments.insert(enrolment)
      append(tx, 'enrolment.begun', enrolment)
      if (await activeBackup(tx, subject.id)) return null
      const codes = generateBackupCodes({ random, ...options.backup })
      const waiting = {
        subject,
        factor: 'backup',
        name: 'Backup codes',
        settings: { with: enrolment.id },
      } as const
      await tx.enrolments.insert(draft({ ...waiting, secret: Buffer.from(JSON.stringify(codes)) }))
      return codes
    })
    const uri = provisioningUri({ secret, issuer, account, ...settings })
    return { enrolment, secret: encodeSecret(secret), provisioningUri: uri, backupCodes }
  }

  async function confirmTotp(request: {
    subject: Subject
    enrolmentId?: string
    code: unknown
  }): Promise<ConfirmOutcome> {
    const { subject, code } = request
    const now = clock.now()
    const admitted = await store.transaction((tx) => admitConfirmation(tx, request))
    if (admitted.kind === 'answer') return admitted.answer
    const { enrolment, codes } = admitted
    const secret = await open(enrolment)
    const match = totpFactor.wellFormed(code, enrolment)
      ? await totpFactor.verify({ enrolment, secret, input: code, now })
      : null
    if (!match) return store.transaction(async (tx) => reject(tx, enrolment))
    const hashed = codes ? await hashWaiting(codes) : null
    return store.transaction(async (tx): Promise<ConfirmOutcome> => {
      await lockSubject(tx, subject.id)
      const { sealed, settings: begun } = enrolment
      const { as_first: asFirst, ...settings } = begun
      if (asFirst && (await hasFactor(tx, subject.id))) return { status: 'nothing_pending' }
      if (!(await consume(tx, match.spends))) return reject(tx, enrolment)
      const at = clock.now()
      const keep = { sealed, settings: { ...settings, ...match.remember } }
      if (!(await tx.enrolments.activate(enrolment.id, at, keep))) return { status: 'nothing_pending' }
      append(tx, 'enrolment.confirmed', enrolment)
      if (codes && hashed) {
        // Another enrolment may have been confirmed meanwhile, with codes of its own: those stand.
        const stands = await activeBackup(tx, subject.id)
        if (stands) await tx.enrolments.revoke(codes.id, at)
        else if (await tx.enrolments.activate(codes.id, at, hashed)) append(tx, 'enrolment.confirmed', codes)
      }
      await tx.guesses.clear(confirmKey(enrolment.id))
      return { status: 'confirmed', enrolment: { ...enrolment, ...keep, status: 'active', confirmedAt: at } }
    })
  }

  /** Confirming has a budget of its own, for each pending enrolment: its secret was just shown. */
  async function admitConfirmation(tx: Tx, request: { subject: Subject; enrolmentId?: string }) {
    const now = clock.now()
    const pending = await tx.enrolments.listBySubject(request.subject.id, { status: 'pending' })
    const live = pending.filter((enrolment) => enrolment.expiresAt !== null && enrolment.expiresAt > now)
    const enrolment = live
      .filter(({ factor, id }) => factor === 'totp' && (request.enrolmentId ?? id) === id)
      .at(-1)
    if (!enrolment) return { kind: 'answer', answer: { status: 'nothing_pending' } } as const
    const codes =
      live.find(({ factor, settings }) => factor === 'backup' && settings.with === enrolment.id) ?? null
    const admission = admitGuess(await tx.guesses.lock(confirmKey(enrolment.id)), { now, limits })
    await tx.guesses.save(confirmKey(enrolment.id), admission.record)
    if (!admission.admitted)
      return { kind: 'answer', answer: { status: 'locked', until: admission.until } } as const
    return { kind: 'admitted', enrolment, codes } as const
  }

  async function hashWaiting(codes: Enrolment): Promise<Pick<Enrolment, 'sealed' | 'settings'>> {
    const plain = JSON.parse(Buffer.from(await open(codes)).toString()) as string[]
    return sealCodes(codes.subjectId, plain)
  }

  async function sealCodes(
    subject: string,
    codes: readonly string[],
  ): Promise<Pick<Enrolment, 'sealed' | 'settings'>> {
    const { secret, settings } = await hashBackupCodes(codes, { random, ...options.backup })
    return {
      sealed: vault.seal({ subject, purpose: 'backup', plaintext: secret }),
      settings: { ...settings, count: codes.length },
    }
  }

  async function regenerateBackupCodes(subject: Subject): Promise<string[]> {
    return (await replaceBackupCodes(subject, () => true))!
  }

  async function firstBackupCodes(subject: Subject): Promise<string[] | null> {
    const isFirst = (held: Enrolment | null) => held === null
    if (!isFirst(await store.read((tx) => activeBackup(tx, subject.id)))) return null
    return replaceBackupCodes(subject, isFirst)
  }

  async function replaceBackupCodes(
    subject: Subject,
    mayReplace: (held: Enrolment | null) => boolean,
  ): Promise<string[] | null> {
    const codes = generateBackupCodes({ random, ...options.backup })
    const kept = await sealCodes(subject.id, codes)
    const now = clock.now()
    return store.transaction(async (tx) => {
      await lockPresentSubject(tx, subject.id)
      if (!mayReplace(await activeBackup(tx, subject.id))) return null
      for (const old of await tx.enrolments.listBySubject(subject.id, { factor: 'backup' })) {
        await tx.enrolments.revoke(old.id, now)
      }
      const enrolment: Enrolment = {
        ...draft({ subject, factor: 'backup', name: 'Backup codes', settings: kept.settings, secret: null }),
        ...kept,
        status: 'active',
        confirmedAt: now,
        expiresAt: null,
      }
      await tx.enrolments.insert(enrolment)
      append(tx, 'backup_codes.regenerated', enrolment)
      return codes
    })
  }

  async function backupCodesLeft(subjectId: string): Promise<number> {
    return store.read(async (tx) => {
      const enrolment = await activeBackup(tx, subjectId)
      if (!enrolment) return 0
      const count = Number(enrolment.settings.count)
      return Math.max(0, count - (await tx.once.countSpent(backupSpentPrefix(enrolment.id))))
    })
  }

  async function revoke(request: { subject: Subject; enrolmentId: string }): Promise<boolean> {
    return store.transaction(async (tx) => {
      const enrolment = await tx.enrolments.find(request.enrolmentId)
      if (enrolment?.subjectId !== request.subject.id) return false
      const revoked = await tx.enrolments.revoke(enrolment.id, clock.now())
      if (revoked) append(tx, 'enrolment.revoked', enrolment)
      return revoked
    })
  }

  const removeAll: Enrolments['removeAll'] = async (tx, { subject, actor, reason }) => {
    await lockSubject(tx, subject.id)
    const at = clock.now()
    const removed: string[] = []
    for (const { id, factor, status } of await tx.enrolments.listBySubject(subject.id)) {
      if (factor !== 'password' && status !== 'revoked' && (await tx.enrolments.revoke(id, at)))
        removed.push(id)
    }
    const data = { enrolments: removed, ...(reason !== undefined && { reason }) }
    tx.ledger.append({ type: 'factors.removed', at, subject: subject.id, actor: actor ?? null, data })
  }

  function draft(
    made: Pick<Enrolment, 'factor' | 'name' | 'settings'> & { subject: Subject; secret: Uint8Array | null },
  ): Enrolment {
    const { subject, secret, factor, name, settings } = made
    const now = clock.now()
    return {
      id: randomId(random),
      subjectId: subject.id,
      factor,
      name,
      status: 'pending',
      sealed: secret && vault.seal({ subject: subject.id, purpose: factor, plaintext: secret }),
      settings,
      createdAt: now,
      confirmedAt: null,
      revokedAt: null,
      lastUsedAt: null,
      expiresAt: now + tenMinutes,
    }
  }

  /** Asking again and again leaves a handful of pending enrolments, never a heap. */
  async function dropStalePending(tx: Tx, subjectId: string): Promise<void> {
    const all = await tx.enrolments.listBySubject(subjectId, { status: 'pending' })
    const pending = all.filter(({ factor }) => factor === 'totp' || factor === 'backup')
    const now = clock.now()
    const totp = pending.filter((enrolment) => enrolment.factor === 'totp')
    const kept = new Set(
      totp
        .filter(({ expiresAt }, index) => (expiresAt ?? 0) > now && index > totp.length - openPending)
        .map(({ id }) => id),
    )
    for (const { id, factor, settings } of pending) {
      // Backup codes wait for their authenticator, and go with it.
      if (!kept.has(factor === 'backup' ? String(settings.with) : id)) await tx.enrolments.revoke(id, now)
    }
  }

  async function hasFactor(tx: Tx, subjectId: string): Promise<boolean> {
    const active = await tx.enrolments.listBySubject(subjectId, { status: 'active' })
    return active.some(({ factor }) => factor !== 'password')
  }

  async function activeBackup(tx: Tx, subjectId: string): Promise<Enrolment | null> {
    return (await tx.enrolments.listBySubject(subjectId, { status: 'active', factor: 'backup' }))[0] ?? null
  }

  async function open(enrolment: Enrolment): Promise<Uint8Array> {
    const { subjectId: subject, factor: purpose, sealed } = enrolment
    return sealed ? vault.open({ subject, purpose, sealed }) : new Uint8Array()
  }

  function reject(tx: Tx, enrolment: Enrolment): { status: 'rejected' } {
    append(tx, 'enrolment.rejected', enrolment)
    return { status: 'rejected' }
  }

  function append(tx: Tx, type: string, enrolment: Enrolment): void {
    const { subjectId: subject, id, factor } = enrolment
    tx.ledger.append({ type, at: clock.now(), subject, data: { enrolment: id, factor } })
  }

  return {
    beginTotp,
    confirmTotp,
    regenerateBackupCodes,
    firstBackupCodes,
    backupCodesLeft,
    revoke,
    removeAll,
  }
}

function confirmKey(enrolmentId: string): string {
  return `confirm:${enrolmentId}`
}
