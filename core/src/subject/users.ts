import { guessKey, lockSubject } from '../chain/attempt-context.ts'
import type { Clock, Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import { isMailAddress } from '../mail/letters.ts'
import type { Ticket } from '../session/session.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Store, Subject, Tx } from '../store.ts'
import { canonicalAlias, createSubject, loginApplication } from './subjects.ts'

export const adminRole = 'admin'
export const builtInRoles: readonly string[] = ['user', adminRole]

export interface NewUser {
  email: string
  role: string
  company: string | null
  /** A further name of the same user, such as a PBX extension. */
  extension?: string | undefined
  /** Whether whoever creates the user vouches for the address. */
  emailVerified: boolean
  actor: string
}

/** Creates a user of the login gate, without a password yet. Throws `already_exists` for a name that is taken. */
export async function createUser(
  wanted: NewUser,
  context: { tx: Tx; clock: Clock; random: Random },
): Promise<Subject> {
  const { email, role, company, extension, emailVerified, actor } = wanted
  const { tx, clock } = context
  const aliases = extension === undefined ? [] : [extension]
  const names = { application: loginApplication, ref: email, email, aliases }
  const subject = await createSubject({ ...names, role, company, emailVerified }, context)
  const at = clock.now()
  if (company !== null) await tx.companies.insert({ name: company, createdAt: at })
  tx.ledger.append({ type: 'subject.created', at, subject: subject.id, actor, data: { role, company } })
  return subject
}

/** What of a user an administrator may change. */
export interface UserChange {
  role?: string | undefined
  company?: string | null | undefined
  email?: string | undefined
  disabled?: boolean | undefined
}

export type UserChangeOutcome =
  /** `ended`: the sessions that ended with it. */
  | { status: 'changed'; subject: Subject; ended: string[] }
  | { status: 'unknown' }
  /** Nobody would be left who opens the administration. */
  | { status: 'last_admin' }
  /** The new address is another user's name. */
  | { status: 'taken' }

export type EraseOutcome =
  | { status: 'erased'; ended: string[] }
  | { status: 'unknown' }
  | { status: 'last_admin' }

export interface Users {
  /** Tokens and nodes remember who somebody was: a change ends the user's sessions, and links to an old address. */
  change(request: { id: string; change: UserChange; actor: string }): Promise<UserChangeOutcome>
  /** Removes the user and all that is stored about them; the ledger keeps the id. */
  erase(request: { id: string; actor: string }): Promise<EraseOutcome>
  /** Forgets the wrong guesses; answers whether there were any, `null` for a user who is not there. */
  unlock(request: { id: string; actor: string }): Promise<boolean | null>
}

/** The users of the login gate, as those who administrate them change them. */
export function createUsers(options: { store: Store; clock: Clock; sessions: Sessions }): Users {
  const { store, clock, sessions } = options

  const change: Users['change'] = ({ id, change: wanted, actor }) =>
    store.transaction(async (tx): Promise<UserChangeOutcome> => {
      const subject = await lockUser(tx, id)
      if (!subject) return { status: 'unknown' }
      const differences = differing(subject, wanted)
      const { role, company, disabled, email } = differences
      const fields = Object.keys(differences)
      if (fields.length === 0) return { status: 'changed', subject, ended: [] }
      const leaves = role !== undefined || disabled === true
      if (leaves && (await isLastAdmin(tx, subject))) return { status: 'last_admin' }
      if (email !== undefined && !(await rename(tx, subject, email))) return { status: 'taken' }
      const at = clock.now()
      const kept: Parameters<Tx['subjects']['update']>[1] = {
        // Another role may fall under another rule: its days of grace begin with it.
        ...(role !== undefined && { role, requiredSince: null }),
        ...(company !== undefined && { company }),
        ...(email !== undefined && { email, emailVerifiedAt: at }),
        ...(disabled !== undefined && { disabledAt: disabled ? at : null }),
      }
      await tx.subjects.update(id, kept)
      if (company != null) await tx.companies.insert({ name: company, createdAt: at })
      const ended = await sessions.endAll(tx, { subjectId: id, actor, reason: 'changed' })
      const data = {
        fields,
        ...(role !== undefined && { role, from: subject.role }),
        ...(company !== undefined && { company }),
        ...(disabled !== undefined && { disabled }),
      }
      tx.ledger.append({ type: 'subject.changed', at, subject: id, actor, data })
      return { status: 'changed', subject: { ...subject, ...kept }, ended }
    })

  /** A new address is vouched for by whoever sets it. What was mailed to the old one opens nothing any more. */
  async function rename(tx: Tx, subject: Subject, email: string): Promise<boolean> {
    const alias = isMailAddress(email) ? canonicalAlias(email) : null
    if (alias === null) {
      const faults = [{ path: 'email', message: 'is no mail address' }]
      throw new SallyportError('invalid_input', `${JSON.stringify(email)} is no mail address`, { faults })
    }
    if (!(await tx.subjects.addAlias(subject.id, alias))) return false
    const old = subject.email === null ? null : canonicalAlias(subject.email)
    if (old !== null && old !== alias) await tx.subjects.removeAlias(subject.id, old)
    for (const purpose of mailedTickets) await tx.tickets.voidAll(subject.id, purpose, clock.now())
    return true
  }

  const erase: Users['erase'] = ({ id, actor }) =>
    store.transaction(async (tx): Promise<EraseOutcome> => {
      const subject = await lockUser(tx, id)
      if (!subject) return { status: 'unknown' }
      if (await isLastAdmin(tx, subject)) return { status: 'last_admin' }
      const ended = await sessions.endAll(tx, { subjectId: id, actor, reason: 'erased' })
      const at = clock.now()
      await tx.subjects.erase(id, at)
      tx.ledger.append({ type: 'subject.erased', at, subject: id, actor })
      return { status: 'erased', ended }
    })

  const unlock: Users['unlock'] = ({ id, actor }) =>
    store.transaction(async (tx) => {
      if (!(await findUser(tx, id))) return null
      const cleared = await tx.guesses.clear(guessKey(id))
      tx.ledger.append({ type: 'subject.unlocked', at: clock.now(), subject: id, actor })
      return cleared
    })

  return { change, erase, unlock }
}

const mailedTickets: readonly Ticket['purpose'][] = ['invitation', 'password_reset', 'enrolment_link']

/** The user of the login gate with that id; applications' subjects are none. */
export async function findUser(tx: Tx, id: string): Promise<Subject | null> {
  const subject = await tx.subjects.find(id)
  return subject?.application === loginApplication ? subject : null
}

/** Whoever makes, demotes, disables or erases an administrator does it alone: two in parallel leave one. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await tx.guesses.lock('administrators')
}

export async function hasPassword(tx: Tx, subjectId: string): Promise<boolean> {
  return (await tx.enrolments.listBySubject(subjectId, { status: 'active', factor: 'password' })).length > 0
}

async function lockUser(tx: Tx, id: string): Promise<Subject | null> {
  await lockAdmins(tx)
  await lockSubject(tx, id)
  return findUser(tx, id)
}

/** Whether there is no other administrator who can sign in: neither shut out nor still invited. */
async function isLastAdmin(tx: Tx, subject: Subject): Promise<boolean> {
  if (subject.role !== adminRole || subject.disabledAt !== null) return false
  for (let after: string | null = null; ; ) {
    const page = await tx.subjects.list(loginApplication, { role: adminRole, limit: 50, after })
    for (const { id, disabledAt } of page.items) {
      if (id !== subject.id && disabledAt === null && (await hasPassword(tx, id))) return false
    }
    if (page.next === null) return true
    after = page.next
  }
}

/** What of a wanted change is one. */
function differing(subject: Subject, wanted: UserChange): UserChange {
  const { role, company, email, disabledAt } = subject
  const present = { role, company, email, disabled: disabledAt !== null }
  const changed = Object.entries(wanted).filter(
    ([field, value]) => value !== undefined && value !== present[field as keyof UserChange],
  )
  return Object.fromEntries(changed)
}
