import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import type { Letter, Mailer, OutboxRow } from './letter.ts'
import { composeMessage, isMailAddress } from './letters.ts'

const second = 1_000
const minute = 60 * second

/** How long after its first, second, … failure a letter is tried again; the last one repeats. */
const backoff = [5 * second, 30 * second, 2 * minute, 10 * minute, 60 * minute]
/** News that is older than this is no news; it is also well within the life of a retired vault key. */
const longestWait = 3 * 24 * 60 * minute

const unknownFailure = { code: 'mail_unavailable', message: 'the mailer failed' } as const

const binding = { subject: 'outbox', purpose: 'letter' }

export interface OutboxOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  mailer: Mailer
  /** What the product is called in letters to the login gate's users; applications have their own name. */
  issuer: string
  log: { warn(facts: object, message: string): void }
  /** How long one letter may take to be handed over, in milliseconds. */
  patience?: number
}

export interface PassResult {
  sent: number
  postponed: number
  dropped: number
}

export interface Outbox {
  /** Goes out if the transaction commits, and not if it does not. `kick` afterwards sends it at once. */
  enqueue(tx: Tx, letter: Letter, about: { subjectId: string | null; expiresIn?: number }): Promise<void>
  /** Tells the subject, if it has an address known to be its own; answers whether it has. */
  notify(tx: Tx, notice: { subject: Subject } & Pick<Letter, 'kind' | 'facts'>): Promise<boolean>
  /** One pass over at most `limit` letters that are due. */
  deliver(limit?: number): Promise<PassResult>
  /** Sends what is due until nothing is; never rejects. Calls while it runs make it look once more. */
  kick(): Promise<void>
}

/**
 * Letters are stored with the change they tell of, and sent after it: at least once, by one node at a time.
 * A node that dies holding some loses its claim on them, and another sends them.
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const { store, vault, clock, random, mailer, log } = options
  const patience = options.patience ?? 30 * second
  let running: Promise<void> | null = null
  let again = false

  const enqueue: Outbox['enqueue'] = async (tx, letter, { subjectId, expiresIn = longestWait }) => {
    if (!isMailAddress(letter.to)) {
      throw new SallyportError('invalid_input', `${JSON.stringify(letter.to)} is no mail address`)
    }
    const now = clock.now()
    const facts = { issuer: await issuerFor(tx, subjectId), ...letter.facts }
    const plaintext = Buffer.from(JSON.stringify({ ...letter, facts }))
    await tx.outbox.insert({
      id: randomId(random),
      subjectId,
      sealed: vault.seal({ ...binding, plaintext }),
      createdAt: now,
      dueAt: now,
      expiresAt: now + Math.min(expiresIn, longestWait),
      failures: 0,
    })
  }

  async function issuerFor(tx: Tx, subjectId: string | null): Promise<string> {
    const subject = subjectId === null ? null : await tx.subjects.find(subjectId)
    const application = subject && (await tx.applications.find(subject.application))
    return application?.issuer ?? options.issuer
  }

  const notify: Outbox['notify'] = async (tx, { subject, kind, facts }) => {
    const { id: subjectId, email: to, emailVerifiedAt } = subject
    if (to === null || emailVerifiedAt === null || !isMailAddress(to)) return false
    await enqueue(tx, { to, kind, facts }, { subjectId })
    return true
  }

  async function deliver(limit = 5): Promise<PassResult> {
    const now = clock.now()
    // Held for longer than sending all of them at once can take.
    const rows = await store.transaction((tx) => tx.outbox.claim(now, now + 2 * patience + minute, limit))
    const ends = await Promise.allSettled(rows.map(handle))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed) throw failed.reason
    const count = (what: keyof PassResult) =>
      ends.filter((end) => end.status === 'fulfilled' && end.value === what).length
    return { sent: count('sent'), postponed: count('postponed'), dropped: count('dropped') }
  }

  async function handle(row: OutboxRow): Promise<keyof PassResult> {
    if (clock.now() >= row.expiresAt) return drop(row, 'expired')
    try {
      const letter = await open(row)
      await handOver(composeMessage(letter, row.createdAt))
    } catch (error) {
      // Messages of our own hold no secrets; of what another's holds nothing is known.
      const { code, message } = error instanceof SallyportError ? error : unknownFailure
      log.warn({ letter: row.id, code, reason: message }, 'a letter could not be sent')
      if (code === 'mail_refused') return drop(row, 'refused')
      const wait = backoff[Math.min(row.failures, backoff.length - 1)]!
      await store.transaction((tx) => tx.outbox.postpone(row.id, Math.min(clock.now() + wait, row.expiresAt)))
      return 'postponed'
    }
    await store.transaction((tx) => tx.outbox.remove(row.id))
    return 'sent'
  }

  async function open(row: OutboxRow): Promise<Letter> {
    return JSON.parse(Buffer.from(await vault.open({ ...binding, sealed: row.sealed })).toString())
  }

  /** A mailer that neither sends nor fails must not hold up the letters behind this one. */
  async function handOver(message: Parameters<Mailer['send']>[0]): Promise<void> {
    const deadline = AbortSignal.timeout(patience)
    const tooLong = new Promise<never>((_, reject) => {
      deadline.onabort = () => reject(new SallyportError('mail_unavailable', 'the mailer took too long'))
    })
    await Promise.race([mailer.send(message, deadline), tooLong])
  }

  async function drop(row: OutboxRow, reason: 'expired' | 'refused'): Promise<'dropped'> {
    await store.transaction(async (tx) => {
      if (!(await tx.outbox.remove(row.id))) return
      const data = { letter: row.id, reason, failures: row.failures }
      tx.ledger.append({ type: 'mail.dropped', at: clock.now(), subject: row.subjectId, data })
    })
    return 'dropped'
  }

  async function drain(): Promise<void> {
    try {
      do {
        again = false
        const { sent, dropped } = await deliver()
        // What was postponed is not due yet: without progress there is nothing more to do now.
        again ||= sent + dropped > 0
      } while (again)
    } catch (error) {
      log.warn({ error }, 'the outbox could not be emptied')
    } finally {
      // In the same breath as the last look at `again`: no call falls in between.
      running = null
    }
  }

  function kick(): Promise<void> {
    again = true
    running ??= drain()
    return running
  }

  return { enqueue, notify, deliver, kick }
}
