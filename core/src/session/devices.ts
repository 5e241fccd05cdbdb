import { hash } from 'node:crypto'
import type { Attempt } from '../chain/attempt.ts'
import { lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import { isUsable } from '../factors/factor.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { Store, Subject, Tx } from '../store.ts'
import { nameBrowser } from './browser.ts'
import type { DeviceToken, TrustedDevice } from './session.ts'
import { hashToken } from './tickets.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Nodes' clocks differ by less than this. */
const clockSkew = minute
/**
 * Two tabs that sign in at once send the same token, and an answer may get lost on its way. Within this time a
 * used token is only not believed; after it, somebody else holds a copy.
 */
const sameMoment = minute

const tokenShape = /^spd_[A-Za-z0-9_-]{43}$/

interface Browser {
  address: string
  userAgent: string | null
}

export interface DeviceGrant {
  device: TrustedDevice
  /** For the browser to keep in the place of the one before; shown this once. */
  token: string
}

export interface Devices {
  /** How long a browser stays trusted, in milliseconds. */
  readonly lifetime: number
  /** Whether browsers can be trusted here at all. */
  readonly enabled: boolean
  /** Whether the browser may be trusted that passes this attempt. */
  offeredFor(attempt: Pick<Attempt, 'purpose' | 'trustedDevices'>): boolean
  /**
   * The trusted browser that this token is of. Says nothing about a second factor, but spares its owner what
   * strangers are slowed by: a copy of an older token, or a trust that is gone, must not use that up.
   */
  recognise(token: string): Promise<TrustedDevice | null>
  /**
   * Takes a token at a sign-in whose password was right, and gives the next one; `null` when it is not to be
   * believed. The subject's lock is held.
   */
  admit(tx: Tx, claim: Browser & { token: string; subject: Subject }): Promise<DeviceGrant | null>
  /** Trusts a browser that has just passed the chain. The one whose token it sent before gives way. */
  remember(tx: Tx, claim: Browser & { token: string | null; subject: Subject }): Promise<DeviceGrant>
  /** A subject's trusted browsers, newest first. */
  list(subjectId: string): Promise<TrustedDevice[]>
  /** False for another's, or one that is not trusted any more. */
  revoke(ended: { id: string; subjectId: string; actor: string | null }): Promise<boolean>
}

export interface DevicesOptions {
  store: Store
  clock: Clock
  random: Random
  outbox: Pick<Outbox, 'notify'>
  /** 0 where no browser is trusted. */
  lifetime?: number
}

/** Browsers that stand in the place of the second factor at sign-in, and for nothing else. */
export function createDevices(options: DevicesOptions): Devices {
  const { store, clock, random, outbox } = options
  const lifetime = options.lifetime ?? 30 * day
  const enabled = lifetime > 0

  async function admit(tx: Tx, claim: Browser & { token: string; subject: Subject }) {
    const { subject, address } = claim
    const found = await find(tx, claim.token)
    if (!found || found.device.subjectId !== subject.id) return null
    const { device, token } = found
    const now = clock.now()
    if (!inForce(device, now)) return null
    if (token.usedAt !== null) {
      if (now - token.usedAt >= sameMoment) await endStolen(tx, { device, subject, address })
      return null
    }
    if (device.basis !== (await basisOf(tx, subject.id))) {
      await end(tx, device, { actor: null, reason: 'factors_changed' })
      return null
    }
    // Not its browser, or one that hides: no proof of theft, and no reason to believe it either.
    if (device.browser !== nameBrowser(claim.userAgent)) return null
    if (!(await tx.devices.useToken(token.hash, now))) return null
    await tx.devices.touch(device.id, { at: now, address })
    append(tx, 'device.used', device, { address })
    return { device, token: await issueToken(tx, device) }
  }

  async function remember(tx: Tx, claim: Browser & { token: string | null; subject: Subject }) {
    const { subject, address, userAgent } = claim
    const before = claim.token === null ? null : await find(tx, claim.token)
    if (before?.device.subjectId === subject.id) {
      await end(tx, before.device, { actor: null, reason: 'replaced' })
    }
    const now = clock.now()
    const device: TrustedDevice = {
      id: randomId(random),
      subjectId: subject.id,
      browser: nameBrowser(userAgent),
      basis: await basisOf(tx, subject.id),
      address,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: now + lifetime,
      revokedAt: null,
    }
    await tx.devices.insert(device)
    append(tx, 'device.trusted', device, { browser: device.browser, address })
    const facts = { address, device: device.browser }
    await outbox.notify(tx, { subject, kind: 'device_trusted', facts })
    return { device, token: await issueToken(tx, device) }
  }

  async function issueToken(tx: Tx, device: TrustedDevice): Promise<string> {
    const token = `spd_${Buffer.from(random.bytes(32)).toString('base64url')}`
    await tx.devices.insertToken({ hash: hashToken(token), deviceId: device.id, usedAt: null })
    return token
  }

  async function find(tx: Tx, text: string): Promise<{ device: TrustedDevice; token: DeviceToken } | null> {
    if (!enabled || !tokenShape.test(text)) return null
    const token = await tx.devices.findToken(hashToken(text))
    const device = token && (await tx.devices.find(token.deviceId))
    return device ? { device, token } : null
  }

  /** Somebody held a copy of a token: whether the thief comes now or came before, nobody can tell. */
  async function endStolen(
    tx: Tx,
    { device, subject, address }: { device: TrustedDevice; subject: Subject; address: string },
  ): Promise<void> {
    append(tx, 'device.token_reused', device, { address })
    await tx.threats.append([
      {
        ...{ at: clock.now(), type: 'device_token_reused', severity: 'high', address },
        ...{ subject: subject.id, application: subject.application, details: { device: device.id } },
      },
    ])
    await end(tx, device, { actor: null, reason: 'token_reused' })
    const facts = { address, device: device.browser }
    await outbox.notify(tx, { subject, kind: 'device_copied', facts })
  }

  async function end(
    tx: Tx,
    device: TrustedDevice,
    { actor, reason }: { actor: string | null; reason: string },
  ): Promise<boolean> {
    if (!(await tx.devices.revoke(device.id, clock.now()))) return false
    append(tx, 'device.revoked', device, { reason }, actor)
    return true
  }

  async function list(subjectId: string): Promise<TrustedDevice[]> {
    if (!enabled) return []
    return store.read(async (tx) => {
      const basis = await basisOf(tx, subjectId)
      const all = await tx.devices.listBySubject(subjectId, clock.now())
      return all.filter((device) => device.basis === basis)
    })
  }

  function append(
    tx: Tx,
    type: string,
    device: TrustedDevice,
    data: Record<string, string | null>,
    actor: string | null = null,
  ): void {
    const { id, subjectId: subject } = device
    tx.ledger.append({ type, at: clock.now(), subject, actor, data: { device: id, ...data } })
  }

  return {
    ...{ lifetime, enabled, admit, remember, list },
    offeredFor: ({ purpose, trustedDevices }) => enabled && purpose === 'sign-in' && trustedDevices,
    recognise: (text) =>
      store.read(async (tx) => {
        const found = await find(tx, text)
        if (!found) return null
        const { device, token } = found
        const now = clock.now()
        const isOld = token.usedAt !== null && now - token.usedAt >= sameMoment
        if (isOld || !inForce(device, now)) return null
        return device.basis === (await basisOf(tx, device.subjectId)) ? device : null
      }),
    revoke: ({ id, subjectId, actor }) =>
      store.transaction(async (tx) => {
        await lockSubject(tx, subjectId)
        const device = await tx.devices.find(id)
        if (device?.subjectId !== subjectId || !inForce(device, clock.now())) return false
        return end(tx, device, { actor, reason: actor === null ? 'by_owner' : 'by_administrator' })
      }),
  }
}

function inForce(device: TrustedDevice, now: number): boolean {
  return device.revokedAt === null && now < device.expiresAt && now >= device.createdAt - clockSkew
}

/**
 * What the trust was founded on: the password and the factors that were held then. Whichever way one of them
 * is changed, added or removed, the trust is gone; nobody has to think of it.
 */
async function basisOf(tx: Tx, subjectId: string): Promise<string> {
  const active = await tx.enrolments.listBySubject(subjectId, { status: 'active' })
  return hash(
    'sha256',
    active
      .filter(isUsable)
      .map(({ id }) => id)
      .sort()
      .join(' '),
    'hex',
  )
}
