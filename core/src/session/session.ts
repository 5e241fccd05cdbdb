import type { FactorType } from '../factors/factor.ts'
import type { Page, PageRequest } from '../store.ts'

/** What a completed sign-in yields. Checked on every request, so it is never written to by a mere check. */
export interface Session {
  id: string
  /** Empty once the subject was erased; the session is revoked then. */
  subjectId: string
  /** `enrolling`: the person must enrol a factor first, and can do nothing else. */
  kind: 'full' | 'enrolling'
  createdAt: number
  expiresAt: number
  /** When the person last went through a whole sign-in. */
  authTime: number
  /** When a factor was last verified in this session; what "fresh proof" is measured from. */
  provedAt: number | null
  /** The kinds of factor that were verified (RFC 8176 calls this `amr`). */
  factors: readonly FactorType[]
  address: string | null
  userAgent: string | null
  revokedAt: number | null
}

/** One link of a session's rotating refresh tokens. Used twice, it ends the session. */
export interface RefreshToken {
  /** SHA-256 of the token, in hex; tokens have 256 random bits. */
  hash: string
  sessionId: string
  createdAt: number
  expiresAt: number
  usedAt: number | null
}

export interface SessionPort {
  insert(session: Session): Promise<void>
  find(id: string): Promise<Session | null>
  /** In force at `now`, newest first. */
  listBySubject(subjectId: string, now: number): Promise<Session[]>
  /** Everybody's, in force at `now`, oldest first. */
  list(now: number, page: PageRequest): Promise<Page<Session>>
  /** Records fresh proof of a session in force. */
  prove(id: string, proof: { at: number; factors: readonly FactorType[] }): Promise<boolean>
  /** enrolling → full */
  promote(id: string): Promise<boolean>
  revoke(id: string, at: number): Promise<boolean>
  /** Every session in force of that subject but `except`; answers which. */
  revokeAll(subjectId: string, at: number, except?: string | null): Promise<string[]>
  /** Ids revoked at or after `since`, for nodes that remember verified tokens. */
  revokedSince(since: number): Promise<string[]>
  prune(before: number, limit: number): Promise<number>
}

export interface RefreshTokenPort {
  insert(token: RefreshToken): Promise<void>
  find(hash: string): Promise<RefreshToken | null>
  /** One conditional write: true for the first use only. */
  use(hash: string, at: number): Promise<boolean>
  /** Forgets every token of a session that goes on: none of them is good for anything any more. */
  removeAll(sessionId: string): Promise<number>
  prune(before: number, limit: number): Promise<number>
}

/** A browser that passed a whole chain and may leave it out for some time. */
export interface TrustedDevice {
  id: string
  subjectId: string
  /** As a person calls it; the token is believed from no other. */
  browser: string
  /** Stands for the password and the factors that were held when it became trusted. */
  basis: string
  /** Where it was used last. */
  address: string | null
  createdAt: number
  lastUsedAt: number
  expiresAt: number
  revokedAt: number | null
}

/** One link of a device's rotating tokens. Used twice, it ends the trust. */
export interface DeviceToken {
  /** SHA-256 of the token, in hex; tokens have 256 random bits. */
  hash: string
  deviceId: string
  usedAt: number | null
}

export interface DevicePort {
  insert(device: TrustedDevice): Promise<void>
  find(id: string): Promise<TrustedDevice | null>
  /** In force at `now`, newest first. */
  listBySubject(subjectId: string, now: number): Promise<TrustedDevice[]>
  touch(id: string, use: { at: number; address: string | null }): Promise<boolean>
  revoke(id: string, at: number): Promise<boolean>
  /** Every device in force of that subject; answers how many. */
  revokeAll(subjectId: string, at: number): Promise<number>
  insertToken(token: DeviceToken): Promise<void>
  findToken(hash: string): Promise<DeviceToken | null>
  /** One conditional write: true for the first use only. */
  useToken(hash: string, at: number): Promise<boolean>
  /** Deletes devices that expired before `before`, with their tokens. */
  prune(before: number, limit: number): Promise<number>
}

/** A one-time link or pass: an invitation, a password reset, the first administrator's link. */
export interface Ticket {
  /** SHA-256 of the token, in hex. */
  hash: string
  purpose: 'first_admin' | 'invitation' | 'password_reset' | 'enrolment_link' | 'pass'
  subjectId: string | null
  /** Who issued it and why, for the ledger. */
  issuedBy: string
  reason: string | null
  createdAt: number
  expiresAt: number
  usedAt: number | null
}

export interface TicketPort {
  insert(ticket: Ticket): Promise<void>
  find(hash: string): Promise<Ticket | null>
  /** One conditional write: the ticket, for the first use before it expires, or `null`. */
  redeem(hash: string, purpose: Ticket['purpose'], at: number): Promise<Ticket | null>
  /** Ends every open ticket of that purpose, of that subject (or of nobody). */
  voidAll(subjectId: string | null, purpose: Ticket['purpose'], at: number): Promise<number>
  prune(before: number, limit: number): Promise<number>
}
