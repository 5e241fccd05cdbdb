import {
  type Enrolment,
  type GuessRecord,
  guessKey,
  lockSubject,
  readEntry,
  type Subject,
  type Tx,
} from '@sallyport/core'
import { serviceRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { Refusal } from '../refusal.ts'
import type { GateServices } from '../services.ts'
import { actorOf, done, findNamed, isoTime, isoTimeOrNull, readName, unknownSubject } from './naming.ts'

/** What the GDPR gives a person: erasure (article 17), and a copy of what is stored (articles 15 and 20). */
export function registerPersonalData(bind: Binder, services: GateServices): void {
  const { store, clock, enrolments } = services

  bind(serviceRoutes.erase, async ({ caller, params }) => {
    const named = readName(caller, params)
    if (named instanceof Refusal) return named
    const { key, alias } = named
    const erased = await store.transaction(async (tx) => {
      const subject = await tx.subjects.findByAlias(key.application, alias)
      if (!subject) return false
      // Whatever changes the subject holds this lock: it comes wholly before the end, or finds nobody.
      await lockSubject(tx, subject.id)
      if (!(await tx.subjects.erase(subject.id, clock.now()))) return false
      const actor = actorOf(key)
      tx.ledger.append({ type: 'subject.erased', at: clock.now(), subject: subject.id, actor })
      return true
    })
    return erased ? done : unknownSubject()
  })

  bind(serviceRoutes.export, async ({ caller, params, query }) => {
    const named = readName(caller, params)
    if (named instanceof Refusal) return named
    const subject = await findNamed(store, named)
    if (!subject) return unknownSubject()
    const stored = await store.read((tx) => collect(tx, { subject, ...query }))
    const remaining = await enrolments.backupCodesLeft(subject.id)
    // Only a copy that is on record is handed out.
    await store.transaction(async (tx) => {
      const actor = actorOf(named.key)
      tx.ledger.append({ type: 'subject.exported', at: clock.now(), subject: subject.id, actor })
    })
    return { ...stored, backup_codes_remaining: remaining }
  })
}

async function collect(tx: Tx, page: { subject: Subject; after: number; limit: number }) {
  const { subject, after, limit } = page
  const entries = await tx.ledger.entries(after, limit, { subject: subject.id })
  const all = await tx.enrolments.listBySubject(subject.id)
  return {
    extension: subject.ref,
    id: subject.id,
    aliases: await tx.subjects.aliases(subject.id),
    email: subject.email,
    email_verified_at: isoTimeOrNull(subject.emailVerifiedAt),
    created_at: isoTime(subject.createdAt),
    required_since: isoTimeOrNull(subject.requiredSince),
    factors: all.map(describeFactor),
    guesses: describeGuesses(await tx.guesses.find(guessKey(subject.id))),
    ledger: {
      entries: entries.map((entry) => {
        const { seq, at, type, actor, gate, data } = readEntry(entry)
        return { seq, at: isoTime(at), type, actor, gate, data }
      }),
      next: entries.length < limit ? null : (entries.at(-1)?.seq ?? null),
    },
  }
}

/** Salts and hashes are no person's data, and nothing for a file that is handed around. */
function describeFactor({ settings, ...enrolment }: Enrolment) {
  const { salt: _, ...shown } = settings
  return {
    id: enrolment.id,
    type: enrolment.factor,
    name: enrolment.name,
    status: enrolment.status,
    settings: shown,
    created_at: isoTime(enrolment.createdAt),
    enrolled_at: isoTimeOrNull(enrolment.confirmedAt),
    revoked_at: isoTimeOrNull(enrolment.revokedAt),
    last_used: isoTimeOrNull(enrolment.lastUsedAt),
  }
}

function describeGuesses(record: GuessRecord | null) {
  return {
    wrong_in_a_row: record?.inRow ?? 0,
    recent: (record?.recent ?? []).map(isoTime),
    locked_until: isoTimeOrNull(record?.lockedUntil ?? null),
  }
}
