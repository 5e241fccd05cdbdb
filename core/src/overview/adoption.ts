import type { Clock } from '../clock.ts'
import { type Enforcement, judgeEnforcement } from '../enrolment/enforcement.ts'
import type { Store } from '../store.ts'
import { loginApplication } from '../subject/subjects.ts'

const day = 24 * 3_600_000
/** So few at a time that whatever else the database is asked hardly waits. */
const subjectsAtOnce = 500
const daysBack = 30
const mostNamed = 10

export interface Adoption {
  at: number
  /** By role; whoever is shut out counts nowhere. */
  roles: Record<string, { users: number; enrolled: number; grace: number; mustEnrol: number }>
  /** Of those who have a second factor now, how many had one at the end of each day, oldest first. */
  days: { at: number; enrolled: number }[]
  /** Those whose grace ends first. */
  ending: { id: string; graceUntil: number }[]
}

/** How many people have a second factor, since when, and who may still do without. */
export async function countAdoption(options: {
  store: Store
  clock: Clock
  enforcement: Enforcement
}): Promise<Adoption> {
  const { store, clock, enforcement } = options
  const now = clock.now()
  const first = Math.floor(now / day) * day - (daysBack - 1) * day
  const began = new Array<number>(daysBack).fill(0)
  const adoption: Adoption = { at: now, roles: {}, days: [], ending: [] }
  for (let after = ''; ; ) {
    const from = after
    const found = await store.read((tx) => tx.subjects.standings(loginApplication, from, subjectsAtOnce))
    for (const { id, role, requiredSince, enrolledAt } of found) {
      const hasFactor = enrolledAt !== null
      const { state, graceUntil } = judgeEnforcement(enforcement, {
        ...{ subject: { role, requiredSince }, hasFactor, now },
      })
      const counts = Object.hasOwn(adoption.roles, role) ? adoption.roles[role]! : noPeople()
      counts.users++
      if (hasFactor) {
        counts.enrolled++
        const index = Math.floor((enrolledAt - first) / day)
        began[Math.min(Math.max(index, 0), daysBack - 1)]!++
      }
      if (state === 'must_enrol') counts.mustEnrol++
      if (graceUntil !== null) {
        counts.grace++
        adoption.ending = soonest(adoption.ending, { id, graceUntil })
      }
      adoption.roles[role] = counts
    }
    if (found.length < subjectsAtOnce) break
    after = found.at(-1)!.id
  }
  let enrolled = 0
  for (const [index, count] of began.entries()) {
    enrolled += count
    adoption.days.push({ at: first + index * day, enrolled })
  }
  return adoption
}

const noPeople = () => ({ users: 0, enrolled: 0, grace: 0, mustEnrol: 0 })

function soonest(named: Adoption['ending'], one: Adoption['ending'][number]): Adoption['ending'] {
  const last = named.at(-1)
  if (named.length >= mostNamed && last && one.graceUntil >= last.graceUntil) return named
  return [...named, one].sort((a, b) => a.graceUntil - b.graceUntil).slice(0, mostNamed)
}
