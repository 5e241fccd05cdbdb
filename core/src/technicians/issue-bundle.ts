import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import { generateBackupCodes, hashBackupCodes } from '../factors/backup.ts'
import { encodeSecret } from '../factors/shared/base32.ts'
import { newTotpSecret } from '../factors/totp.ts'
import type { Store, Tx } from '../store.ts'
import { canonicalAlias } from '../subject/subjects.ts'
import type { Vault } from '../vault/vault.ts'
import type { BundleSecret } from './stored.ts'

const mostNamed = 100
/** A line at the prompt is bounded, and so is a name in it. */
const longestId = 128

/** What is kept of a technician's factor at one gate, before it is sealed. */
export type BundledFactor =
  | { type: 'totp'; secret: string; algorithm: string; period: number; digits: number }
  | { type: 'backup'; hashes: string; settings: Awaited<ReturnType<typeof hashBackupCodes>>['settings'] }

export interface BundleOrder {
  device: { id: string; publicKey: string }
  /** How the gate reads codes. */
  totp: { algorithm: string; period: number; digits: number }
  /** By their ids, as they are typed at the prompt. */
  technicians: readonly string[]
  /** Ids that get a new authenticator, or a new set of backup codes. */
  renew: readonly string[]
  backupCodesFor: readonly string[]
  /** Ids whose authenticator is shown although it is not new. */
  show: readonly string[]
  /** Public ids of YubiKeys that were programmed for this gate. */
  yubikeys: readonly string[]
  expires: number
  /** Another board took the place of the one that was known. */
  replaceDevice: boolean
  actor: string
}

export interface IssuedTechnician {
  id: string
  factors: BundledFactor[]
  /** The authenticator was made just now. */
  isNew: boolean
  shown: boolean
  /** Of a set that was just made: shown this once. */
  backupCodes: string[]
}

export interface IssuedBundle {
  serial: number
  issuedAt: number
  technicians: IssuedTechnician[]
}

const binding = ({ device, technician, factor }: Pick<BundleSecret, 'device' | 'technician' | 'factor'>) => ({
  subject: `gate ${device}`,
  purpose: `${factor} of ${technician}`,
})

/**
 * Decides on the next bundle of a gate: its serial, and what each technician has there. Each gate has secrets
 * of its own (P1: gates that are offline share no memory of used codes), the same in every bundle. Whoever is
 * left out of one gets new ones on coming back.
 */
export async function issueBundle(
  order: BundleOrder,
  context: { store: Store; vault: Vault; clock: Clock; random: Random },
): Promise<IssuedBundle> {
  const { store, vault, clock, random } = context
  const { device } = order
  const aliases = aliasesOf(order)
  const shown = new Set(aliasesIn(order.show, aliases))
  const plan = {
    ...{ order, aliases, renewed: new Set(aliasesIn(order.renew, aliases)) },
    backups: await makeBackups(aliasesIn(order.backupCodesFor, aliases), random),
  }
  const now = clock.now()
  const { serial, added, secrets } = await store.transaction(async (tx) => {
    if (order.replaceDevice) await tx.bundles.replaceDevice(device.id, device.publicKey)
    // The time keeps serials rising when the database was put back to an older copy.
    const at = { atLeast: Math.max(1, Math.floor(now / 1_000)), at: now }
    const next = await tx.bundles.nextSerial({ ...device, ...at })
    if (next === null) throw otherKey(device.id)
    for (const id of order.yubikeys) await claimYubikey(tx, id, device)
    const changed = await settleSecrets(tx, plan, { vault, random, now })
    const data = {
      ...{ device: device.id, serial: next, technicians: aliases.size },
      // An entry has bounds.
      ...{ added: [...changed.added].slice(0, mostNamed), removed: [...changed.removed].slice(0, mostNamed) },
      expires: new Date(order.expires).toISOString(),
    }
    tx.ledger.append({ type: 'bundle.issued', at: now, actor: order.actor, data })
    return { serial: next, added: changed.added, secrets: await tx.bundles.list(device.id) }
  })

  const technicians = new Map<string, IssuedTechnician>()
  for (const [alias, id] of aliases) {
    const backupCodes = plan.backups.get(alias)?.codes ?? []
    technicians.set(alias, {
      id,
      factors: [],
      isNew: added.has(alias),
      shown: added.has(alias) || shown.has(alias),
      backupCodes,
    })
  }
  for (const secret of secrets) {
    const opened = await vault.open({ ...binding(secret), sealed: secret.sealed })
    technicians.get(secret.technician)!.factors.push(JSON.parse(Buffer.from(opened).toString()))
  }
  return { serial, issuedAt: now, technicians: [...technicians.values()] }
}

interface Plan {
  order: BundleOrder
  /** The ids, by their one spelling. */
  aliases: ReadonlyMap<string, string>
  renewed: ReadonlySet<string>
  backups: ReadonlyMap<string, { codes: string[]; factor: BundledFactor }>
}

/** Slow, and so before the transaction. */
async function makeBackups(aliases: readonly string[], random: Random): Promise<Plan['backups']> {
  const made = new Map<string, { codes: string[]; factor: BundledFactor }>()
  for (const alias of aliases) {
    const codes = generateBackupCodes({ random })
    const { secret, settings } = await hashBackupCodes(codes, { random, format: 'short' })
    const hashes = Buffer.from(secret).toString('base64url')
    made.set(alias, { codes, factor: { type: 'backup', hashes, settings } })
  }
  return made
}

/** Takes away what is replaced and whoever is left out, then adds what is missing. */
async function settleSecrets(
  tx: Tx,
  { order, aliases, renewed, backups }: Plan,
  { vault, random, now }: { vault: Vault; random: Random; now: number },
): Promise<{ added: Set<string>; removed: Set<string> }> {
  const { device, totp } = order
  const [added, removed] = [new Set<string>(), new Set<string>()]
  const add = async (technician: string, factor: BundledFactor) => {
    const bound = { device: device.id, technician, factor: factor.type }
    const sealed = vault.seal({ ...binding(bound), plaintext: Buffer.from(JSON.stringify(factor)) })
    await tx.bundles.insert({ id: randomId(random), ...bound, sealed, createdAt: now })
  }
  const kept = new Set<string>()
  for (const { id, technician, factor } of await tx.bundles.list(device.id)) {
    const replaced = factor === 'totp' ? renewed.has(technician) : backups.has(technician)
    if (!aliases.has(technician)) removed.add(technician)
    if (replaced || !aliases.has(technician)) await tx.bundles.remove(id)
    else if (factor === 'totp') kept.add(technician)
  }
  for (const alias of aliases.keys()) {
    const backup = backups.get(alias)
    if (backup) await add(alias, backup.factor)
    if (kept.has(alias)) continue
    const { algorithm, period, digits } = totp
    await add(alias, { type: 'totp', secret: encodeSecret(newTotpSecret(random)), algorithm, period, digits })
    added.add(alias)
  }
  return { added, removed }
}

/**
 * A key's counters are remembered where it is used. What it typed at one gate could be replayed at a second that
 * knew it, and at a board that took the place of another.
 */
async function claimYubikey(tx: Tx, id: string, device: BundleOrder['device']): Promise<void> {
  const [name, owner] = [`shim.yubikey.${id}`, `${device.id} ${device.publicKey}`]
  const here = (await tx.yubikeys.find(id)) !== null
  if (!here && ((await tx.settings.insert(name, owner)) || (await tx.settings.find(name)) === owner)) return
  throw new SallyportError(
    'already_exists',
    `the YubiKey ${id} is known to ${here ? 'this server' : 'another gate'}: program a slot of it, with a new id, for ${device.id} alone`,
  )
}

function aliasesOf({ technicians }: BundleOrder): Map<string, string> {
  const aliases = new Map<string, string>()
  for (const id of technicians) {
    const alias = canonicalAlias(id)
    const fault =
      alias === null || /\s/.test(id) || id.length > longestId
        ? 'is no name that can be typed at the prompt'
        : null
    if (alias === null || fault !== null)
      throw new SallyportError('invalid_input', `${JSON.stringify(id)} ${fault}`)
    if (aliases.has(alias)) throw new SallyportError('invalid_input', `technician ${id} is listed twice`)
    aliases.set(alias, id)
  }
  return aliases
}

function aliasesIn(ids: readonly string[], aliases: ReadonlyMap<string, string>): string[] {
  return ids.map((id) => {
    const alias = canonicalAlias(id)
    if (alias !== null && aliases.has(alias)) return alias
    throw new SallyportError('not_found', `technician ${JSON.stringify(id)} is not among those of the bundle`)
  })
}

function otherKey(device: string): SallyportError {
  return new SallyportError(
    'already_exists',
    `device ${device} is known with another key. If another board took its place, compare the fingerprint of the request there, then say --replace-device: all technicians get new secrets for it`,
  )
}
