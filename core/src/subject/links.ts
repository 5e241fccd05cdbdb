import type { Clock, Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import { isMailAddress, utc } from '../mail/letters.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { Ticket } from '../session/session.ts'
import { issueTicket, ticketLifetimes } from '../session/tickets.ts'
import type { Subject, Tx } from '../store.ts'

export type LinkPurpose = Exclude<Ticket['purpose'], 'pass'>

const pages: Readonly<Record<LinkPurpose, string>> = {
  first_admin: '/setup',
  invitation: '/invitation',
  enrolment_link: '/enrol',
  password_reset: '/reset',
}

/** The token stands in the fragment, which browsers send to no server and write into no referrer. */
export function ticketLink(publicUrl: string, link: { purpose: LinkPurpose; token: string }): string {
  return `${publicUrl.replace(/\/+$/, '')}${pages[link.purpose]}#token=${link.token}`
}

/** A link that works once. */
export interface IssuedLink {
  purpose: 'invitation' | 'enrolment_link'
  /** Shown this once; `null` when it was mailed, and so is for nobody else to see. */
  token: string | null
  expiresAt: number
}

export interface LinkRequest extends Pick<IssuedLink, 'purpose'> {
  actor: string
  reason?: string | null
  /** Mailed to the subject, or else handed to whoever asked for it. */
  mail: boolean
}

export type IssueLink = (tx: Tx, subject: Subject, request: LinkRequest) => Promise<IssuedLink>

/** Issues links to subjects. A new one voids the one before. */
export function createLinks(options: {
  clock: Clock
  random: Random
  outbox: Pick<Outbox, 'enqueue'>
  publicUrl: string
}): IssueLink {
  const { clock, random, outbox, publicUrl } = options
  return async (tx, subject, { purpose, actor, reason = null, mail }) => {
    const subjectId = subject.id
    await tx.tickets.voidAll(subjectId, purpose, clock.now())
    const ticket = { purpose, subjectId, issuedBy: actor, reason }
    const token = await issueTicket(ticket, { tx, clock, random })
    const lifetime = ticketLifetimes[purpose]
    const expiresAt = clock.now() + lifetime
    if (!mail) return { purpose, token, expiresAt }
    const facts = { link: ticketLink(publicUrl, { purpose, token }), until: utc(expiresAt) }
    const letter = { to: receiverOf(subject, purpose), kind: purpose, facts }
    await outbox.enqueue(tx, letter, { subjectId, expiresIn: lifetime })
    return { purpose, token: null, expiresAt }
  }
}

/** An invitation is what verifies an address; anything else goes to one that is verified. */
function receiverOf({ email, emailVerifiedAt }: Subject, purpose: LinkPurpose): string {
  const known = purpose === 'invitation' || emailVerifiedAt !== null
  if (email !== null && known && isMailAddress(email)) return email
  const faults = [{ path: 'mail', message: 'has no verified address to go to' }]
  throw new SallyportError('invalid_input', 'this user has no verified address that mail can go to', {
    faults,
  })
}
