import { hash } from 'node:crypto'
import { networkOf } from '../address.ts'
import { lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import { isSecondFactor } from '../enrolment/enforcement.ts'
import type { Fault } from '../errors.ts'
import { hashPassword, type PasswordScheme } from '../factors/password.ts'
import { admitGuess } from '../guard/guard.ts'
import type { Letter } from '../mail/letter.ts'
import { utc } from '../mail/letters.ts'
import type { SealedSecret, Store, Subject, Tx } from '../store.ts'
import { canonicalAlias, loginApplication } from '../subject/subjects.ts'
import type { Vault } from '../vault/vault.ts'
import type { HashQueue } from './hash-queue.ts'
import type { PasswordCheck, ThrottleLimits } from './password-check.ts'
import { newPasswordFaults } from './password-strength.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { findTicket, issueTicket, redeemTicket, ticketLifetimes } from './tickets.ts'

const hour = 3_600_000

/** Puts a letter to a subject into the outbox, in the transaction that it tells of. */
export type Notify = (tx: Tx, subject: Subject, kind: Letter['kind'], facts: Letter['facts']) => Promise<void>

export interface ResetLimits {
  /** Letters to one subject. */
  subject: ThrottleLimits
  /** Requests from one address. */
  address: ThrottleLimits
}

export const defaultResetLimits: ResetLimits = {
  subject: { attempts: 3, within: hour, lockFor: [hour], decayAfter: hour },
  address: { attempts: 20, within: hour, lockFor: [hour], decayAfter: hour },
}

type Unfit = { status: 'unfit'; faults: Fault[] }

export type ChangeOutcome =
  /** The session goes on; of its refresh tokens only this new one is good for anything. */
  | { status: 'changed'; refreshToken: string }
  | Unfit
  | { status: 'refused' }
  | { status: 'throttled'; until: number }
  | { status: 'busy' }

export type ResetOutcome =
  | { status: 'reset'; subject: Subject }
  | Unfit
  | { status: 'refused' }
  | { status: 'busy' }

export interface Passwords {
  /** Ends every other session of the subject and every sign-in under way. */
  changePassword(request: {
    session: Session
    current: string
    next: string
    address: string
  }): Promise<ChangeOutcome>
  /** Mails a link, if there is such an account. The answer and the work are the same if there is none. */
  requestReset(request: {
    email: string
    address: string
  }): Promise<{ status: 'accepted' } | { status: 'throttled'; until: number }>
  /** Sets a new password by a mailed token. Signs nobody in, and lets nobody past a second factor. */
  confirmReset(request: { token: string; password: string }): Promise<ResetOutcome>
}

export interface PasswordsOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  passwordScheme: PasswordScheme
  hashQueue: HashQueue
  passwordCheck: PasswordCheck
  sessions: Sessions
  notify: Notify
  limits?: ResetLimits
}

export function createPasswords(options: PasswordsOptions): Passwords {
  const { store, vault, clock, random, hashQueue, passwordCheck, sessions, notify } = options
  const limits = options.limits ?? defaultResetLimits

  async function changePassword(request: Parameters<Passwords['changePassword']>[0]): Promise<ChangeOutcome> {
    const { session, current, next, address } = request
    const found = await sessions.find(session.id)
    if (found?.session.kind !== 'full') return { status: 'refused' }
    const faults = newPasswordFaults(next, found.subject)
    if (next === current) faults.push({ path: 'password', message: 'must differ from the present one' })
    if (faults.length > 0) return { status: 'unfit', faults }
    const { subjectId, userAgent } = session
    const judged = await passwordCheck.judge({ subjectId, password: current, address, userAgent })
    if (judged.status !== 'judged') return judged
    const sealed = judged.right ? await sealNew(session.subjectId, next) : null
    return store.transaction(async (tx): Promise<ChangeOutcome> => {
      const subject = await passwordCheck.accept(tx, judged)
      if (subject?.id !== session.subjectId) return { status: 'refused' }
      if (!sealed) return { status: 'busy' }
      if (!(await sessions.findIn(tx, session.id))) return { status: 'refused' }
      await replace(tx, subject, { sealed, except: session.id, reason: 'password_changed' })
      return { status: 'changed', refreshToken: await sessions.renew(tx, session) }
    })
  }

  async function requestReset(request: { email: string; address: string }) {
    const alias = canonicalAlias(request.email)
    return store.transaction(async (tx) => {
      const subject = alias === null ? null : await tx.subjects.findByAlias(loginApplication, alias)
      const whose = subject?.id ?? `?${hash('sha256', alias ?? request.email, 'hex')}`
      const until = await spend(tx, `reset-address:${networkOf(request.address)}`, limits.address)
      if (until !== null) return { status: 'throttled', until } as const
      // Beyond its limit no letter goes out, and nobody is told: a stranger learns nothing from it.
      if ((await spend(tx, `reset:${whose}`, limits.subject)) !== null) return { status: 'accepted' } as const
      const receiver = subject && (await mayReset(tx, subject)) ? subject : null
      const ticket = { purpose: 'password_reset', issuedBy: 'password reset' } as const
      // A ticket of nobody's opens nothing; it is made so that the work is the same.
      const token = await issueTicket({ ...ticket, subjectId: receiver?.id ?? null }, { tx, clock, random })
      if (receiver) {
        const until = utc(clock.now() + ticketLifetimes.password_reset)
        await notify(tx, receiver, 'password_reset', { token, until })
      }
      return { status: 'accepted' } as const
    })
  }

  /** Mail alone is never enough for an administrator: without a second factor it would be. */
  async function mayReset(tx: Tx, subject: Subject): Promise<boolean> {
    if (subject.email === null || subject.emailVerifiedAt === null || subject.disabledAt !== null)
      return false
    const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
    return subject.role !== 'admin' || active.some(({ factor }) => isSecondFactor(factor))
  }

  async function confirmReset(request: { token: string; password: string }): Promise<ResetOutcome> {
    const claim = { token: request.token, purpose: 'password_reset' } as const
    const owner = await store.read(async (tx) => {
      const ticket = await findTicket(claim, { tx, clock })
      return ticket?.subjectId ? tx.subjects.find(ticket.subjectId) : null
    })
    if (!owner || owner.disabledAt !== null) return { status: 'refused' }
    const faults = newPasswordFaults(request.password, owner)
    if (faults.length > 0) return { status: 'unfit', faults }
    const sealed = await sealNew(owner.id, request.password)
    if (!sealed) return { status: 'busy' }
    return store.transaction(async (tx): Promise<ResetOutcome> => {
      await lockSubject(tx, owner.id)
      const subject = await tx.subjects.find(owner.id)
      if (!subject || subject.disabledAt !== null) return { status: 'refused' }
      if (!(await redeemTicket(claim, { tx, clock }))) return { status: 'refused' }
      await tx.subjects.update(subject.id, { passwordResetAt: clock.now() })
      await replace(tx, subject, { sealed, except: null, reason: 'password_reset' })
      return { status: 'reset', subject }
    })
  }

  /** A new password, and the end of everything that the old one opened. The subject's lock is held. */
  async function replace(
    tx: Tx,
    subject: Subject,
    change: { sealed: SealedSecret; except: string | null; reason: 'password_changed' | 'password_reset' },
  ): Promise<void> {
    const { sealed, except, reason } = change
    await storePassword({ subject, sealed }, { tx, clock, random })
    await sessions.endAll(tx, { subjectId: subject.id, except, actor: null, reason })
    await tx.tickets.voidAll(subject.id, 'password_reset', clock.now())
    await notify(tx, subject, 'password_changed', {})
  }

  /** `null` when too much hashing is under way. */
  async function sealNew(subject: string, password: string): Promise<SealedSecret | null> {
    const { passwordScheme: scheme } = options
    const hashed = await hashQueue.run(() => hashPassword(password, { scheme, random }))
    return hashed && vault.seal({ subject, purpose: 'password', plaintext: Buffer.from(hashed.result) })
  }

  /** Counts a request; answers until when there may be none, or `null`. */
  async function spend(tx: Tx, key: string, limit: ThrottleLimits): Promise<number | null> {
    const now = clock.now()
    const stored = await tx.guesses.lock(key)
    const admission = admitGuess(stored, { now, limits: { ...limit, ceiling: Number.POSITIVE_INFINITY } })
    if (admission.record !== stored) await tx.guesses.save(key, admission.record)
    return admission.admitted ? null : (admission.until ?? now)
  }

  return { changePassword, requestReset, confirmReset }
}

/** Gives a subject this password, sealed for it; the one before stays in the record, without its hash. */
export async function storePassword(
  password: { subject: Subject; sealed: SealedSecret },
  context: { tx: Tx; clock: Clock; random: Random },
): Promise<void> {
  const { subject, sealed } = password
  const { tx, clock, random } = context
  const at = clock.now()
  const held = { status: 'active', factor: 'password' } as const
  for (const old of await tx.enrolments.listBySubject(subject.id, held)) {
    await tx.enrolments.revoke(old.id, at)
  }
  await tx.enrolments.insert({
    ...{ ...held, id: randomId(random), subjectId: subject.id, name: 'Password', sealed, settings: {} },
    ...{ createdAt: at, confirmedAt: at, revokedAt: null, lastUsedAt: null, expiresAt: null },
  })
  tx.ledger.append({ type: 'password.set', at, subject: subject.id })
}
