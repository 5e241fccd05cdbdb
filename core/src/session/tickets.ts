import { hash } from 'node:crypto'
import type { Clock, Random } from '../clock.ts'
import type { Tx } from '../store.ts'
import type { Ticket } from './session.ts'

const minute = 60_000
const hour = 60 * minute

/** How long each kind of ticket can be redeemed unless its issuer says otherwise, in milliseconds. */
export const ticketLifetimes: Readonly<Record<Ticket['purpose'], number>> = {
  first_admin: 24 * hour,
  invitation: 7 * 24 * hour,
  password_reset: 30 * minute,
  enrolment_link: 24 * hour,
  pass: 15 * minute,
}

export interface NewTicket {
  purpose: Ticket['purpose']
  subjectId: string | null
  /** `cli`, `subject:<id>`, … */
  issuedBy: string
  reason?: string | null
  lifetime?: number
  /** In the place of 256 random bits, where a person has to read it out. */
  token?: string
}

/** Issues a one-time ticket and answers its token, which exists nowhere else: only its hash is stored. */
export async function issueTicket(
  wanted: NewTicket,
  context: { tx: Tx; clock: Clock; random: Random },
): Promise<string> {
  const { tx, clock, random } = context
  const { purpose, subjectId, issuedBy, reason = null } = wanted
  const token = wanted.token ?? `spt_${Buffer.from(random.bytes(32)).toString('base64url')}`
  const at = clock.now()
  const expiresAt = at + (wanted.lifetime ?? ticketLifetimes[purpose])
  const ticket: Ticket = {
    ...{ hash: hashToken(token), purpose, subjectId, issuedBy, reason },
    ...{ createdAt: at, expiresAt, usedAt: null },
  }
  await tx.tickets.insert(ticket)
  tx.ledger.append({
    type: 'ticket.issued',
    at,
    subject: subjectId,
    actor: issuedBy,
    data: { purpose, reason, expires_at: expiresAt },
  })
  return token
}

/** The open ticket behind a token, which stays open. */
export async function findTicket(
  claim: { token: string; purpose: Ticket['purpose'] },
  context: { tx: Tx; clock: Clock },
): Promise<Ticket | null> {
  const ticket = await context.tx.tickets.find(hashToken(claim.token))
  const now = context.clock.now()
  const open = ticket?.purpose === claim.purpose && ticket.usedAt === null && now < ticket.expiresAt
  return open ? ticket : null
}

/** Uses a ticket up: of many callers with the same token, one gets it. */
export async function redeemTicket(
  claim: { token: string; purpose: Ticket['purpose'] },
  context: { tx: Tx; clock: Clock },
): Promise<Ticket | null> {
  const { tx, clock } = context
  const at = clock.now()
  const ticket = await tx.tickets.redeem(hashToken(claim.token), claim.purpose, at)
  if (ticket) {
    const { purpose, subjectId: subject, issuedBy } = ticket
    tx.ledger.append({ type: 'ticket.redeemed', at, subject, data: { purpose, issued_by: issuedBy } })
  }
  return ticket
}

/** Tokens cannot be guessed, so they need no slow hash. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex')
}
