import { countAdoption, createRarely, findUser, ruleFor, type Tx } from '@sallyport/core'
import { adminRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { iso, type LoginContext } from '../login/login-context.ts'
import { recordRead } from './admin-context.ts'
import { describeUser } from './describe-user.ts'

const hour = 3_600_000
const hoursBack = 24
const locksLookedAt = 200
const mostLocked = 10

/** How the installation stands: each figure is counted by the database, from an index. */
export function registerOverview(bind: Binder, { services }: LoginContext): void {
  const { store, clock, enforcement, blocks, threatReads } = services
  const adoptionOf = createRarely(clock, () => countAdoption({ store, clock, enforcement }))

  bind(adminRoutes.overview, async (call) => {
    const { at, roles, days, ending } = await adoptionOf()
    const now = clock.now()
    const hours = Array.from(
      { length: hoursBack },
      (_, index) => (Math.floor(now / hour) - hoursBack + 1 + index) * hour,
    )
    const threats = await threatReads.summary(hoursBack)
    const failed = new Map(threats.hours.map((one) => [one.at, one.byType.failed_auth ?? 0]))
    const found = await store.read(async (tx) => ({
      signedIn: await tx.ledger.countFrom('session.opened', hours),
      locked: await latestLocked(tx),
      ending: await Promise.all(ending.map(async (one) => ({ ...one, user: await findUser(tx, one.id) }))),
    }))
    await recordRead(services, call, { what: 'overview' })
    const sum = (what: 'users' | 'enrolled' | 'grace' | 'mustEnrol') =>
      Object.values(roles).reduce((total, counts) => total + counts[what], 0)
    return {
      as_of: iso(at),
      ...{
        users: sum('users'),
        enrolled: sum('enrolled'),
        in_grace: sum('grace'),
        must_enrol: sum('mustEnrol'),
      },
      roles: Object.entries(roles)
        .map(([name, { users, enrolled }]) => ({
          ...{ name, required: ruleFor(enforcement, name).required, users, enrolled },
        }))
        .sort((a, b) => b.users - a.users),
      enrolled_by_day: days.map((day) => ({ day: iso(day.at).slice(0, 10), enrolled: day.enrolled })),
      grace_ending: found.ending.flatMap(({ user, graceUntil }) =>
        user ? [{ id: user.id, name: user.ref, email: user.email, grace_until: iso(graceUntil) }] : [],
      ),
      locked: found.locked,
      hours: hours.map((start, index) => ({
        ...{ hour: iso(start), signed_in: found.signedIn[index]!, failed: failed.get(start) ?? 0 },
      })),
      blocked_addresses: blocks.size,
    }
  })

  /** By the records of locks: whoever was locked lately and still is. */
  async function latestLocked(tx: Tx) {
    const entries = await tx.ledger.latest(null, locksLookedAt, { type: 'subject.locked' })
    const ids = new Set(
      entries.flatMap(({ body }) => (JSON.parse(body) as { subject?: string }).subject ?? []),
    )
    const locked = []
    for (const id of ids) {
      const subject = await findUser(tx, id)
      const { user } = subject ? await describeUser(tx, subject, services) : { user: null }
      if (!user?.locked) continue
      const { name, email, locked_until } = user
      locked.push({ id, name, email, locked_until })
      if (locked.length === mostLocked) break
    }
    return locked
  }
}
