import { createHash } from 'node:crypto'
import {
  type Clock,
  canonicalAlias,
  checkTotpSettings,
  createSubject,
  decodeSecret,
  type Enrolment,
  hashBackupCodes,
  type Random,
  SallyportError,
  type Store,
  type Subject,
  type Tx,
  type Vault,
  yubikeyBinding,
} from '@sallyport/core'
import type { FactorConfig } from '../config/factor-config.ts'
import { parseSealedText, type SealedFactor } from './sealed-factor.ts'

/** The application that technicians belong to in the shim's own store. */
export const shimApplication = 'shim'

/** A factor as the configuration writes it, or as a bundle brought it. */
type Source = FactorConfig | { type: FactorConfig['type']; name?: string; opened: SealedFactor }

export interface Enrollable {
  id: string
  name?: string | undefined
  factors: readonly Source[]
}

interface Context {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  totp: { algorithm: string; period: number; digits: number }
}

/**
 * Makes the store's subjects and enrolments those of the configuration. What is taken out of it is revoked;
 * what the store remembers of used-up values stays, whoever is taken out and put back.
 */
export async function enrolTechnicians(
  technicians: readonly Enrollable[],
  context: Context,
): Promise<Map<string, Subject>> {
  const { store } = context
  const subjects = new Map<string, Subject>()
  for (const technician of technicians) {
    const subject = await store.transaction((tx) => findOrCreate(tx, technician.id, context))
    subjects.set(technician.id, subject)
    const kept = new Set<string>()
    for (const factor of technician.factors) {
      const id = await enrol(subject, factor, context)
      if (id !== null) kept.add(id)
    }
    await revokeOthers(subject, kept, context)
  }
  for (const subject of await strangers(store, subjects)) await revokeOthers(subject, new Set(), context)
  return subjects
}

async function findOrCreate(tx: Tx, id: string, { clock, random }: Context): Promise<Subject> {
  const found = await tx.subjects.findByAlias(shimApplication, canonicalAlias(id)!)
  return found ?? createSubject({ application: shimApplication, ref: id }, { tx, clock, random })
}

async function enrol(subject: Subject, factor: Source, context: Context): Promise<string | null> {
  const { store, vault, clock } = context
  const opened = await openFactor(subject.ref, factor, context)
  const known = await store.read((tx) => tx.enrolments.listBySubject(subject.id))
  const mark = idOf(subject, opened)
  const alike = known.filter(({ id }) => id === mark || id.startsWith(`${mark}.`))
  const active = alike.find(({ status }) => status === 'active')
  if (active) return active.id
  if (alike.length > 0 && factor.type === 'backup') {
    // Their used-up codes would be good again. A bundle holds for the other technicians in it all the same.
    if ('opened' in factor) return null
    throw new SallyportError(
      'config_invalid',
      `technician ${subject.ref}: these backup codes were taken out before; make new ones with \`sallyport shim enrol\``,
    )
  }
  const { secret, settings } = await keptOf(opened, context)
  const at = clock.now()
  const enrolment: Enrolment = {
    ...{ id: alike.length === 0 ? mark : `${mark}.${alike.length}`, subjectId: subject.id },
    ...{ factor: factor.type, name: factor.name ?? factor.type, status: 'active', settings },
    // a YubiKey's own secret is kept with the key, where the validator finds it
    sealed:
      factor.type === 'yubikey'
        ? null
        : vault.seal({ subject: subject.id, purpose: factor.type, plaintext: secret }),
    ...{ createdAt: at, confirmedAt: at, revokedAt: null, lastUsedAt: null, expiresAt: null },
  }
  await store.transaction(async (tx) => {
    if (opened.type === 'yubikey') {
      const sealed = vault.seal({ ...yubikeyBinding(opened.id), plaintext: secret })
      // One programmed anew takes the place of what it was; counters are kept by secret.
      await tx.yubikeys.remove(opened.id)
      await tx.yubikeys.insert({ publicId: opened.id, serial: null, sealed, importedAt: at })
    }
    await tx.enrolments.insert(enrolment)
    record(tx, 'enrolment.configured', enrolment, at)
  })
  return enrolment.id
}

async function revokeOthers(
  subject: Subject,
  kept: ReadonlySet<string>,
  { store, clock }: Context,
): Promise<void> {
  await store.transaction(async (tx) => {
    for (const enrolment of await tx.enrolments.listBySubject(subject.id, { status: 'active' })) {
      if (kept.has(enrolment.id) || !(await tx.enrolments.revoke(enrolment.id, clock.now()))) continue
      record(tx, 'enrolment.revoked', enrolment, clock.now())
    }
  })
}

function record(tx: Tx, type: string, { id, subjectId: subject, factor }: Enrolment, at: number): void {
  tx.ledger.append({ type, at, subject, gate: 'serial', data: { enrolment: id, factor } })
}

async function strangers(store: Store, known: ReadonlyMap<string, Subject>): Promise<Subject[]> {
  const ids = new Set([...known.values()].map(({ id }) => id))
  const found: Subject[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.read((tx) => tx.subjects.list(shimApplication, { after, limit: 500 }))
    found.push(...page.items.filter(({ id }) => !ids.has(id)))
    if (page.next === null) return found
    after = page.next
  }
}

/** The factor with its secret, wherever the configuration has it from. */
async function openFactor(technician: string, factor: Source, { vault }: Context): Promise<SealedFactor> {
  if ('opened' in factor) return factor.opened
  if (factor.sealed !== undefined) {
    const opened = await parseSealedText(factor.sealed, { vault, technician, type: factor.type })
    return factor.type === 'totp' ? { ...opened, ...written(factor) } : opened
  }
  if (factor.type === 'totp') return { type: 'totp', secret: factor.secret!, ...written(factor) }
  if (factor.type === 'backup') return { type: 'backup', codes: factor.codes! }
  return { type: 'yubikey', id: factor.id, private_id: factor.private_id!, key: factor.key! }
}

function written({ algorithm, period, digits }: Extract<FactorConfig, { type: 'totp' }>) {
  return {
    ...(algorithm !== undefined && { algorithm }),
    ...(period !== undefined && { period }),
    ...(digits !== undefined && { digits }),
  }
}

/** The same secret has the same enrolment, so that its used-up codes stay used up. */
function idOf(subject: Subject, opened: SealedFactor): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([subject.id, opened]))
    .digest('base64url')
  return `shim-${digest.slice(0, 32)}`
}

async function keptOf(
  factor: SealedFactor,
  { random, totp }: Context,
): Promise<{ secret: Uint8Array; settings: Record<string, unknown> }> {
  switch (factor.type) {
    case 'totp': {
      const { secret, type: _, ...own } = factor
      return { secret: decodeSecret(secret), settings: { ...checkTotpSettings({ ...totp, ...own }) } }
    }
    case 'yubikey': {
      const { id, private_id, key } = factor
      return { secret: Buffer.from(private_id + key, 'hex'), settings: { public_id: id } }
    }
    case 'backup': {
      if ('hashes' in factor)
        return { secret: Buffer.from(factor.hashes, 'base64url'), settings: { ...factor.settings } }
      const { secret, settings } = await hashBackupCodes(factor.codes, { random, format: 'short' })
      return { secret, settings: { ...settings } }
    }
  }
}
