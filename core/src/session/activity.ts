import type { FactorType } from '../factors/factor.ts'
import { readEntry } from '../ledger/canonical.ts'
import type { LedgerValue } from '../ledger/entry.ts'
import type { Store } from '../store.ts'

/** What is told to the person it happened to; the rest of the ledger is for those who look after it. */
export const activityTypes = [
  'attempt.denied',
  'attempt.step_failed',
  'backup_codes.regenerated',
  'device.revoked',
  'device.token_reused',
  'device.trusted',
  'enrolment.confirmed',
  'enrolment.locked',
  'enrolment.renamed',
  'enrolment.revoked',
  'factors.removed',
  'factors.reset',
  'password.refused',
  'password.set',
  'password.throttled',
  'session.all_revoked',
  'session.opened',
  'session.refresh_reused',
  'session.revoked',
  'subject.changed',
  'subject.created',
  'subject.locked',
  'subject.unlocked',
  'ticket.issued',
  'ticket.redeemed',
] as const

export type ActivityType = (typeof activityTypes)[number]

export interface Activity {
  /** Its place in the ledger. */
  seq: number
  at: number
  type: ActivityType
  /** Whether somebody who looks after this installation did it. */
  byAdministrator: boolean
  address: string | null
  browser: string | null
  /** What was enrolled or removed, or what the sign-in was proved by. */
  factors: readonly FactorType[]
  /** What a one-time link or pass is for. */
  purpose: string | null
}

/** So many entries are looked through for a page, however few of them are told: no call walks a whole history. */
const looks = 10
const entriesAtOnce = 500

const told = new Set<string>(activityTypes)

/** The last things that happened to a subject, newest first; `next` is where the following page begins. */
export async function readActivity(
  store: Store,
  request: { subjectId: string; before: number | null; limit: number },
): Promise<{ items: Activity[]; next: number | null }> {
  const { subjectId: subject, limit } = request
  const items: Activity[] = []
  const begun = new Map<string, Entry>()
  const steps: { item: Activity; attempt: LedgerValue | undefined }[] = []
  let next = request.before
  for (let look = 0; look < looks && items.length <= limit; look++) {
    const found = await store.read((tx) => tx.ledger.latest(next, entriesAtOnce, { subject }))
    for (const entry of found.map(readEntry)) {
      if (entry.type === 'attempt.started') begun.set(String(entry.data.attempt), entry)
      if (!told.has(entry.type)) continue
      const item = describe(entry, subject)
      items.push(item)
      if (entry.type === 'attempt.step_failed') steps.push({ item, attempt: entry.data.attempt })
    }
    next = found.length < entriesAtOnce ? null : found.at(-1)!.seq
    if (next === null) break
  }
  // A step does not say where it came from; the attempt that it belongs to does.
  for (const { item, attempt } of steps) item.address = textOf(begun.get(String(attempt))?.data.address)
  const page = items.slice(0, limit)
  return { items: page, next: items.length > limit ? page.at(-1)!.seq : next }
}

type Entry = ReturnType<typeof readEntry>

function describe({ seq, at, type, actor, data }: Entry, subject: string): Activity {
  const { factor, factors } = data
  return {
    ...{ seq, at, type: type as ActivityType },
    byAdministrator:
      actor === 'cli' || (actor?.startsWith('subject:') === true && actor !== `subject:${subject}`),
    address: textOf(data.address),
    browser: textOf(data.browser),
    factors: (Array.isArray(factors) ? factors : [factor]).filter(Boolean) as FactorType[],
    purpose: textOf(data.purpose),
  }
}

function textOf(value: LedgerValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}
