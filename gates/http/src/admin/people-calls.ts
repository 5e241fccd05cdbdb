import { findUser, loginApplication, type PageRequest, type Subject, type Tx } from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { describeDevice } from '../login/session-calls.ts'
import { Refusal } from '../refusal.ts'
import {
  actorOf,
  describeSession,
  done,
  invalidField,
  isoOrNull,
  knownRoles,
  noSuch,
  pageRequest,
  recordRead,
} from './admin-context.ts'
import { type DescribedUser, describeUser, hasStatus } from './describe-user.ts'
import { describeLink } from './recovery-calls.ts'

/** A filter may match few of many: so many pages are looked through before an empty one is answered. */
const pagesAtOnce = 20

/** The people who sign in here. */
export function registerPeople(bind: Binder, login: LoginContext): void {
  const { services, config, memory } = login
  const { store, users, invitations, sessions, devices, enrolments, outbox } = services
  const unknownRole = (role: string | undefined) =>
    role !== undefined && !knownRoles(config, services).includes(role)
      ? invalidField('role', `is none of ${knownRoles(config, services).join(', ')}`)
      : null

  bind(adminRoutes.users, async (call) => {
    const { search, role, status, ...paging } = call.query
    const filter = { ...(search !== undefined && { search }), ...(role !== undefined && { role }) }
    const found = await store.read((tx) => findPage(tx, { ...pageRequest(paging), ...filter }, status))
    await recordRead(services, call, { what: 'users' })
    return found
  })

  /** The first page in which somebody has that status. */
  async function findPage(
    tx: Tx,
    request: PageRequest & { search?: string; role?: string },
    status: string | undefined,
  ): Promise<{ items: DescribedUser[]; next: string | null }> {
    let after = request.after ?? null
    for (let looked = 1; ; looked++) {
      const page = await tx.subjects.list(loginApplication, { ...request, after })
      const items: DescribedUser[] = []
      for (const subject of page.items) items.push((await describeUser(tx, subject, services)).user)
      const matching = items.filter((user) => hasStatus(user, status))
      const over = matching.length > 0 || page.next === null || looked === pagesAtOnce
      if (over) return { items: matching, next: page.next }
      after = page.next
    }
  }

  bind(adminRoutes.inviteUser, async (call) => {
    const unknown = unknownRole(call.body.role)
    if (unknown) return unknown
    const { subject, link } = await invitations.invite({ ...call.body, actor: actorOf(call) })
    if (call.body.mail) void outbox.kick()
    return { user: await describe(subject), ...describeLink(link, config) }
  })

  bind(adminRoutes.user, async (call) => {
    const { id } = call.params
    const remaining = await enrolments.backupCodesLeft(id)
    const inForce = await sessions.list(id)
    const details = await store.read(async (tx) => {
      const subject = await findUser(tx, id)
      if (!subject) return null
      const { user, demand, wrongGuesses } = await describeUser(tx, subject, services)
      return {
        ...user,
        aliases: await tx.subjects.aliases(id),
        required: demand.required,
        required_since: isoOrNull(demand.requiredSince),
        backup_codes_remaining: remaining,
        wrong_guesses: wrongGuesses,
        sessions: inForce.length,
      }
    })
    if (!details) return noSuch('user')
    await recordRead(services, call, { what: 'user', subject: id })
    return details
  })

  bind(adminRoutes.changeUser, async (call) => {
    const unknown = unknownRole(call.body.role)
    if (unknown) return unknown
    const outcome = await users.change({ id: call.params.id, change: call.body, actor: actorOf(call) })
    if (outcome.status === 'unknown') return noSuch('user')
    if (outcome.status === 'last_admin') return lastAdmin()
    if (outcome.status === 'taken')
      return new Refusal('already_exists', 'another user goes by this address already')
    for (const id of outcome.ended) memory.forget(id)
    return describe(outcome.subject)
  })

  bind(adminRoutes.eraseUser, async (call) => {
    const outcome = await users.erase({ id: call.params.id, actor: actorOf(call) })
    if (outcome.status === 'unknown') return noSuch('user')
    if (outcome.status === 'last_admin') return lastAdmin()
    for (const id of outcome.ended) memory.forget(id)
    return done('The user is erased.')
  })

  bind(adminRoutes.userSessions, async (call) => {
    const { id } = call.params
    if (!(await exists(id))) return noSuch('user')
    const inForce = await sessions.list(id)
    await recordRead(services, call, { what: 'sessions', subject: id })
    return { items: inForce.map(describeSession), next: null }
  })

  bind(adminRoutes.userSignIns, async (call) => {
    const { id } = call.params
    if (!(await exists(id))) return noSuch('user')
    const last = await store.read((tx) => tx.signIns.listBySubject(id, 100))
    await recordRead(services, call, { what: 'sign-ins', subject: id })
    const items = last.map(({ at, completedAt, network, place, device, score: risk, reasons }) => ({
      ...{ at: iso(at), completed_at: isoOrNull(completedAt), network, country: place?.country ?? null },
      ...{ device, risk, reasons },
    }))
    return { items, next: null }
  })

  bind(adminRoutes.userDevices, async (call) => {
    const { id } = call.params
    if (!(await exists(id))) return noSuch('user')
    const trusted = await devices.list(id)
    await recordRead(services, call, { what: 'devices', subject: id })
    return { items: trusted.map(describeDevice), next: null }
  })

  bind(adminRoutes.endUserDevice, async (call) => {
    const { id: subjectId, device: id } = call.params
    const ended = await devices.revoke({ id, subjectId, actor: actorOf(call) })
    return ended ? done('The browser is no longer trusted.') : noSuch('trusted browser')
  })

  bind(adminRoutes.endUserSessions, async (call) => {
    const { id } = call.params
    if (!(await exists(id))) return noSuch('user')
    const reason = 'signed_out_by_admin'
    const ended = await sessions.revokeAll({ subjectId: id, actor: actorOf(call), reason })
    for (const session of ended) memory.forget(session)
    return { ...done('Signed out everywhere.'), ended: ended.length }
  })

  bind(adminRoutes.userNames, async (call) => {
    const ids = [...new Set(call.query.ids.split(','))]
    const found = await store.read((tx) => Promise.all(ids.map((id) => findUser(tx, id))))
    await recordRead(services, call, { what: 'names' })
    const known = found.filter((subject) => subject !== null)
    return { items: known.map(({ id, email, ref }) => ({ id, name: email ?? ref })), next: null }
  })

  async function exists(id: string): Promise<boolean> {
    return (await store.read((tx) => findUser(tx, id))) !== null
  }

  async function describe(subject: Subject): Promise<DescribedUser> {
    return (await store.read((tx) => describeUser(tx, subject, services))).user
  }
}

function lastAdmin(): Refusal {
  return new Refusal(
    'last_admin',
    'nobody else could administrate: make somebody else an administrator first',
  )
}
