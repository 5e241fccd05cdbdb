import { lockSubject } from '../chain/attempt-context.ts'
import type { Clock, Random } from '../clock.ts'
import { type Fault, SallyportError } from '../errors.ts'
import { hashPassword, type PasswordScheme } from '../factors/password.ts'
import { isMailAddress } from '../mail/letters.ts'
import type { HashQueue } from '../session/hash-queue.ts'
import { newPasswordFaults } from '../session/password-strength.ts'
import { storePassword } from '../session/passwords.ts'
import type { Ticket } from '../session/session.ts'
import { findTicket, issueTicket, redeemTicket, ticketLifetimes } from '../session/tickets.ts'
import type { Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import type { IssuedLink, IssueLink } from './links.ts'
import { canonicalAlias, loginApplication } from './subjects.ts'
import { adminRole, createUser, lockAdmins, type NewUser } from './users.ts'

export type AcceptOutcome =
  | { status: 'accepted'; subject: Subject }
  | { status: 'unfit'; faults: Fault[] }
  /** No link in force, or one whose time has passed: an administrator exists, the user is shut out. */
  | { status: 'refused' }
  | { status: 'busy' }

export interface Invitations {
  /** Creates a user who chooses a password by the link. Throws `already_exists` for a name that is taken. */
  invite(
    request: Omit<NewUser, 'emailVerified'> & { mail: boolean },
  ): Promise<{ subject: Subject; link: IssuedLink }>
  /**
   * A link that makes the first administrator, while there is none; `null` when there is one. Voids the one
   * before: whoever started the product last has the one that works.
   */
  firstAdminLink(): Promise<{ token: string; expiresAt: number } | null>
  /** Sets the first password by a link, and verifies the address with it. The first administrator names one. */
  accept(request: { token: string; password: string; email?: string | undefined }): Promise<AcceptOutcome>
}

export interface InvitationsOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  passwordScheme: PasswordScheme
  hashQueue: HashQueue
  issueLink: IssueLink
}

/** How accounts come to be without anybody but their owner knowing the password. */
export function createInvitations(options: InvitationsOptions): Invitations {
  const { store, vault, clock, random, passwordScheme: scheme, hashQueue, issueLink } = options

  const invite: Invitations['invite'] = async ({ mail, ...wanted }) => {
    checkAddress(wanted.email)
    return store.transaction(async (tx) => {
      if (wanted.role === adminRole) await lockAdmins(tx)
      const subject = await createUser({ ...wanted, emailVerified: false }, { tx, clock, random })
      const link = { purpose: 'invitation', actor: wanted.actor, mail } as const
      return { subject, link: await issueLink(tx, subject, link) }
    })
  }

  const firstAdminLink: Invitations['firstAdminLink'] = () =>
    store.transaction(async (tx) => {
      await lockAdmins(tx)
      if (await hasAdmin(tx)) return null
      await tx.tickets.voidAll(null, 'first_admin', clock.now())
      const ticket = { purpose: 'first_admin', subjectId: null, issuedBy: 'first start' } as const
      const token = await issueTicket(ticket, { tx, clock, random })
      return { token, expiresAt: clock.now() + ticketLifetimes.first_admin }
    })

  const accept: Invitations['accept'] = async ({ token, password, email }) => {
    const found = await store.read((tx) => findLink(tx, token))
    if (!found) return { status: 'refused' }
    const owner = found.invited ?? firstAdmin(email)
    if (found.invited && email !== undefined && canonicalAlias(email) !== canonicalAlias(owner.email ?? '')) {
      throw invalidEmail('is not the address that was invited')
    }
    const faults = newPasswordFaults(password, owner)
    if (faults.length > 0) return { status: 'unfit', faults }
    const hashed = await hashQueue.run(() => hashPassword(password, { scheme, random }))
    if (!hashed) return { status: 'busy' }
    return store.transaction(async (tx): Promise<AcceptOutcome> => {
      const claim = { token, purpose: found.purpose } as const
      const subject = found.invited
        ? await acceptInvitation(tx, { id: found.invited.id, token })
        : await makeFirstAdmin(tx, { email: owner.ref, token })
      if (!subject) return { status: 'refused' }
      const plaintext = Buffer.from(hashed.result)
      const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
      await storePassword({ subject, sealed }, { tx, clock, random })
      const type = claim.purpose === 'first_admin' ? 'admin.first_created' : 'invitation.accepted'
      tx.ledger.append({ type, at: clock.now(), subject: subject.id })
      return { status: 'accepted', subject }
    })
  }

  async function findLink(tx: Tx, token: string) {
    if (await findTicket({ token, purpose: 'first_admin' }, { tx, clock })) {
      return (await hasAdmin(tx)) ? null : ({ purpose: 'first_admin', invited: null } as const)
    }
    const ticket = await findTicket({ token, purpose: 'invitation' }, { tx, clock })
    const invited = await invitedBy(tx, ticket)
    return invited && ({ purpose: 'invitation', invited } as const)
  }

  async function invitedBy(tx: Tx, ticket: Ticket | null): Promise<Subject | null> {
    const subject = ticket?.subjectId ? await tx.subjects.find(ticket.subjectId) : null
    return subject?.disabledAt === null ? subject : null
  }

  async function acceptInvitation(tx: Tx, claim: { id: string; token: string }): Promise<Subject | null> {
    const { id, token } = claim
    await lockSubject(tx, id)
    const subject = await tx.subjects.find(id)
    if (!subject || subject.disabledAt !== null) return null
    if (!(await redeemTicket({ token, purpose: 'invitation' }, { tx, clock }))) return null
    if (subject.email !== null && subject.emailVerifiedAt === null) {
      await tx.subjects.update(id, { emailVerifiedAt: clock.now() })
    }
    return subject
  }

  async function makeFirstAdmin(tx: Tx, claim: { email: string; token: string }): Promise<Subject | null> {
    const { email, token } = claim
    await lockAdmins(tx)
    if (await hasAdmin(tx)) return null
    if (!(await redeemTicket({ token, purpose: 'first_admin' }, { tx, clock }))) return null
    const wanted = { email, role: adminRole, company: null, emailVerified: true, actor: 'first start' }
    return createUser(wanted, { tx, clock, random })
  }

  return { invite, firstAdminLink, accept }
}

async function hasAdmin(tx: Tx): Promise<boolean> {
  return (await tx.subjects.count(loginApplication, { role: adminRole })) > 0
}

function firstAdmin(email: string | undefined): Pick<Subject, 'email' | 'ref'> {
  if (email === undefined) throw invalidEmail('is needed: it is what the administrator will sign in with')
  checkAddress(email)
  return { email, ref: email }
}

function checkAddress(email: string): void {
  if (!isMailAddress(email)) throw invalidEmail('is no mail address')
}

function invalidEmail(message: string): SallyportError {
  return new SallyportError('invalid_input', `email: ${message}`, { faults: [{ path: 'email', message }] })
}
