import { lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, timedId } from '../clock.ts'
import type { FactorType } from '../factors/factor.ts'
import type { Store, Subject, Tx } from '../store.ts'
import { nameBrowser } from './browser.ts'
import type { Session } from './session.ts'
import { hashToken } from './tickets.ts'

const minute = 60_000
const day = 24 * 60 * minute
/** Nodes' clocks differ by less than this; what lies further ahead was written by a clock since set back. */
const clockSkew = minute
const longestUserAgent = 256

export interface SessionLifetimes {
  /** From the sign-in to the next one, however often the session is refreshed. */
  session: number
  refresh: number
  enrolling: number
}

export const defaultSessionLifetimes: SessionLifetimes = {
  session: 30 * day,
  refresh: 30 * day,
  enrolling: 60 * minute,
}

export interface SessionsOptions {
  store: Store
  clock: Clock
  random: Random
  lifetimes?: SessionLifetimes
  /** How long a verified factor counts as fresh proof, in milliseconds. */
  freshFor?: number
}

export interface SessionOpening {
  subject: Subject
  kind: Session['kind']
  factors: readonly FactorType[]
  address: string | null
  userAgent: string | null
  /** Whether a second factor was verified just now. */
  proved: boolean
}

export interface OpenedSession {
  session: Session
  /** Shown this once; `null` for a session that may only enrol. */
  refreshToken: string | null
}

export interface SessionInForce {
  session: Session
  subject: Subject
}

export type RefreshOutcome =
  | { status: 'refreshed'; session: Session; subject: Subject; refreshToken: string }
  | { status: 'refused'; reason: 'unknown' | 'expired' | 'revoked' }
  /** The token had been used before: somebody else holds a copy, and the session is over. */
  | { status: 'reused'; sessionId: string }

export interface Ending {
  subjectId: string
  /** The session that stays. */
  except?: string | null
  /** Who did it, when it is not the subject. */
  actor: string | null
  reason: string
}

export interface Sessions {
  /** For use inside the transaction that grants it. */
  open(tx: Tx, opening: SessionOpening): Promise<OpenedSession>
  /** Trades a refresh token for the next one. */
  refresh(token: string): Promise<RefreshOutcome>
  /** The session and whose it is; `null` when revoked, expired, or the subject is disabled. */
  find(id: string): Promise<SessionInForce | null>
  findIn(tx: Tx, id: string): Promise<SessionInForce | null>
  /** A subject's sessions in force, newest first. */
  list(subjectId: string): Promise<Session[]>
  isFresh(proof: Pick<Session, 'provedAt'>): boolean
  /** Records that these factors were verified just now; `null` when the session is not in force. */
  prove(tx: Tx, id: string, factors: readonly FactorType[]): Promise<Session | null>
  /** A new refresh token; every earlier one of this session is void. */
  renew(tx: Tx, session: Session): Promise<string>
  /** Ends one session of that subject, and the sign-ins under way. False for another's, or one that is over. */
  revoke(ended: { id: string; subjectId: string; actor: string | null }): Promise<boolean>
  /** Ends a subject's sessions, the sign-ins under way and the trust in browsers; answers which sessions. */
  revokeAll(ending: Ending): Promise<string[]>
  /** The same, inside a transaction that holds the subject's lock. */
  endAll(tx: Tx, ending: Ending): Promise<string[]>
}

export function createSessions(options: SessionsOptions): Sessions {
  const { store, clock, random } = options
  const lifetimes = options.lifetimes ?? defaultSessionLifetimes
  const freshFor = options.freshFor ?? 5 * minute

  async function open(tx: Tx, opening: SessionOpening): Promise<OpenedSession> {
    const { subject, kind, factors, address, userAgent, proved } = opening
    const now = clock.now()
    const session: Session = {
      id: timedId(now, random),
      subjectId: subject.id,
      kind,
      createdAt: now,
      expiresAt: now + (kind === 'full' ? lifetimes.session : lifetimes.enrolling),
      authTime: now,
      provedAt: proved ? now : null,
      factors: [...new Set(factors)],
      address,
      userAgent: userAgent?.slice(0, longestUserAgent) ?? null,
      revokedAt: null,
    }
    await tx.sessions.insert(session)
    const browser = nameBrowser(userAgent)
    append(tx, 'session.opened', session, { kind, factors: session.factors, address, browser })
    return { session, refreshToken: kind === 'full' ? await issueRefreshToken(tx, session) : null }
  }

  async function issueRefreshToken(tx: Tx, session: Session): Promise<string> {
    const token = `spr_${Buffer.from(random.bytes(32)).toString('base64url')}`
    const now = clock.now()
    await tx.refreshTokens.insert({
      hash: hashToken(token),
      sessionId: session.id,
      createdAt: now,
      expiresAt: Math.min(now + lifetimes.refresh, session.expiresAt),
      usedAt: null,
    })
    return token
  }

  async function refresh(token: string): Promise<RefreshOutcome> {
    const hash = hashToken(token)
    return store.transaction(async (tx): Promise<RefreshOutcome> => {
      const seen = await tx.refreshTokens.find(hash)
      const owner = seen && (await tx.sessions.find(seen.sessionId))
      if (!owner) return { status: 'refused', reason: 'unknown' }
      // A password change in parallel voids this session's tokens under the same lock.
      await lockSubject(tx, owner.subjectId)
      const stored = await tx.refreshTokens.find(hash)
      const session = await tx.sessions.find(owner.id)
      if (!stored || !session) return { status: 'refused', reason: 'unknown' }
      const subject = await tx.subjects.find(session.subjectId)
      if (session.revokedAt !== null || !subject || subject.disabledAt !== null) {
        return { status: 'refused', reason: 'revoked' }
      }
      const now = clock.now()
      if (stored.usedAt === null && (now >= stored.expiresAt || !inTime(session, now))) {
        return { status: 'refused', reason: 'expired' }
      }
      if (!(await tx.refreshTokens.use(hash, now))) {
        await tx.sessions.revoke(session.id, now)
        append(tx, 'session.refresh_reused', session, {})
        return { status: 'reused', sessionId: session.id }
      }
      append(tx, 'session.refreshed', session, {})
      return { status: 'refreshed', session, subject, refreshToken: await issueRefreshToken(tx, session) }
    })
  }

  async function findIn(tx: Tx, id: string): Promise<SessionInForce | null> {
    const session = await tx.sessions.find(id)
    if (!session || session.revokedAt !== null || !inTime(session, clock.now())) return null
    const subject = await tx.subjects.find(session.subjectId)
    return subject && subject.disabledAt === null ? { session, subject } : null
  }

  function isFresh({ provedAt }: Pick<Session, 'provedAt'>): boolean {
    const age = provedAt === null ? Number.POSITIVE_INFINITY : clock.now() - provedAt
    return age < freshFor && age >= -clockSkew
  }

  async function prove(tx: Tx, id: string, factors: readonly FactorType[]): Promise<Session | null> {
    const found = await findIn(tx, id)
    if (!found) return null
    const proof = { at: clock.now(), factors: [...new Set([...found.session.factors, ...factors])] }
    if (!(await tx.sessions.prove(id, proof))) return null
    append(tx, 'session.proved', found.session, { factors: [...factors] })
    return { ...found.session, provedAt: proof.at, factors: proof.factors }
  }

  async function renew(tx: Tx, session: Session): Promise<string> {
    await tx.refreshTokens.removeAll(session.id)
    return issueRefreshToken(tx, session)
  }

  async function revoke(ended: { id: string; subjectId: string; actor: string | null }): Promise<boolean> {
    const { id, subjectId, actor } = ended
    return store.transaction(async (tx) => {
      const session = await tx.sessions.find(id)
      if (session?.subjectId !== subjectId) return false
      await lockSubject(tx, subjectId)
      if (!(await tx.sessions.revoke(id, clock.now()))) return false
      await tx.attempts.refuseAll(subjectId)
      append(tx, 'session.revoked', session, { reason: 'signed_out' }, actor)
      return true
    })
  }

  async function endAll(tx: Tx, { subjectId, except, actor, reason }: Ending): Promise<string[]> {
    const at = clock.now()
    const ids = await tx.sessions.revokeAll(subjectId, at, except ?? null)
    const attempts = await tx.attempts.refuseAll(subjectId)
    const devices = await tx.devices.revokeAll(subjectId, at)
    const data = { reason, sessions: ids, attempts, devices, kept: except ?? null }
    tx.ledger.append({ type: 'session.all_revoked', at, subject: subjectId, actor, data })
    return ids
  }

  function inTime(session: Session, now: number): boolean {
    return now < session.expiresAt && now >= session.createdAt - clockSkew
  }

  function append(
    tx: Tx,
    type: string,
    session: Session,
    data: Record<string, string | null | readonly string[]>,
    actor: string | null = null,
  ): void {
    const { id, subjectId: subject } = session
    tx.ledger.append({ type, at: clock.now(), subject, actor, data: { session: id, ...data } })
  }

  return {
    ...{ open, refresh, findIn, isFresh, prove, renew, revoke, endAll },
    find: (id) => store.read((tx) => findIn(tx, id)),
    list: (subjectId) => store.read((tx) => tx.sessions.listBySubject(subjectId, clock.now())),
    revokeAll: (ending) =>
      store.transaction(async (tx) => {
        await lockSubject(tx, ending.subjectId)
        return endAll(tx, ending)
      }),
  }
}
