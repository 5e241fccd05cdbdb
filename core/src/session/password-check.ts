import { hash } from 'node:crypto'
import { networkOf } from '../address.ts'
import { lockSubject } from '../chain/attempt-context.ts'
import type { Clock, Random } from '../clock.ts'
import {
  decoyHash,
  hashPassword,
  isCurrentHash,
  type PasswordScheme,
  verifyPassword,
} from '../factors/password.ts'
import { type BcryptCheck, parsePasswordHash, readsWhole } from '../factors/shared/password-hashes.ts'
import { type Admission, admitGuess, breakRow, type GuessLimits, refundGuess } from '../guard/guard.ts'
import type { Enrolment, SealedSecret, Store, Subject, Tx } from '../store.ts'
import { canonicalAlias, loginApplication } from '../subject/subjects.ts'
import type { Vault } from '../vault/vault.ts'
import { nameBrowser } from './browser.ts'
import type { HashQueue } from './hash-queue.ts'

const minute = 60_000
const hour = 60 * minute

/** Guesses are slowed and never stopped for good: no ceiling that only an administrator lifts (P3). */
export type ThrottleLimits = Omit<GuessLimits, 'ceiling'>

export interface PasswordLimits {
  /** Against one subject from one address. */
  pair: ThrottleLimits
  /** From one address, against whomever. */
  address: ThrottleLimits
}

export const defaultPasswordLimits: PasswordLimits = {
  pair: {
    attempts: 10,
    within: 15 * minute,
    lockFor: [minute, 5 * minute, 15 * minute, hour],
    decayAfter: 24 * hour,
  },
  address: { attempts: 100, within: hour, lockFor: [hour], decayAfter: 24 * hour },
}

export type PasswordClaim = ({ name: string } | { subjectId: string }) & {
  password: string
  address: string
  userAgent: string | null
  /** The subject whose trusted browser it comes from. */
  deviceOf?: string | null
}

export interface JudgedPassword {
  status: 'judged'
  /** Whether it was right when it was judged; `accept` says whether it still stands. */
  right: boolean
  subject: Subject | null
  enrolment: Enrolment | null
  address: string
  /** What people call the browser it came from. */
  browser: string
  spent: readonly SpentGuess[]
  /** The same password under the present scheme, where it was kept under an older one. */
  rehashed: SealedSecret | null
}

export type JudgePassword = JudgedPassword | { status: 'throttled'; until: number } | { status: 'busy' }

export interface PasswordCheck {
  /**
   * Counts a guess, in a commit of its own, and then looks whether it is right. The work is the same
   * whether there is such a subject or not.
   */
  judge(claim: PasswordClaim): Promise<JudgePassword>
  /**
   * In the transaction that acts on it: gives the guess back and answers the subject, whose lock is then
   * held. `null` for a wrong password, a disabled subject, or a password changed since it was judged.
   */
  accept(tx: Tx, judged: JudgedPassword): Promise<Subject | null>
}

interface SpentGuess {
  key: string
  at: number
  /** Whether the right password ends the row of wrong ones. */
  endsRow: boolean
}

export interface PasswordCheckOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  passwordScheme: PasswordScheme
  hashQueue: HashQueue
  limits?: PasswordLimits
  /** Checks passwords that were imported under bcrypt. */
  bcrypt?: BcryptCheck
}

/** The one way in which a password is checked, so that no surface has guesses of its own. */
export function createPasswordCheck(options: PasswordCheckOptions): PasswordCheck {
  const { store, vault, clock, random, passwordScheme: scheme, hashQueue, bcrypt } = options
  const limits = options.limits ?? defaultPasswordLimits
  const decoy = decoyHash({ scheme, random })

  async function judge(claim: PasswordClaim): Promise<JudgePassword> {
    // Counted only once its turn has come: whoever is turned away spent nothing, and a rush of people who
    // sign in at once does not look like a rush of guesses.
    const ran = await hashQueue.run(async (): Promise<JudgePassword> => {
      const admitted = await store.transaction((tx) => admit(tx, claim))
      if ('until' in admitted) return { status: 'throttled', until: admitted.until }
      const { subject, enrolment, spent } = admitted
      const kept = enrolment && (await openHash(enrolment))
      const right = await verifyPassword(claim.password, kept ?? decoy, bcrypt)
      const outdated = right && kept !== null && mayRehash(claim.password, kept)
      const rehashed = outdated ? await sealHash(enrolment!.subjectId, claim.password) : null
      const from = { address: claim.address, browser: nameBrowser(claim.userAgent) }
      return { status: 'judged', right, subject, enrolment, spent, rehashed, ...from }
    })
    return ran ? ran.result : { status: 'busy' }
  }

  async function admit(tx: Tx, claim: PasswordClaim) {
    const { subject, whose } = await findWhose(tx, claim)
    const held = subject
      ? await tx.enrolments.listBySubject(subject.id, { status: 'active', factor: 'password' })
      : []
    const network = networkOf(claim.address)
    const deviceKnown = subject !== null && claim.deviceOf === subject.id
    const from = deviceKnown ? 'known device' : network
    const counters = [{ key: `password:${whose}@${from}`, limits: limits.pair, endsRow: true }]
    // Strangers behind the same address must not keep a subject from a device that is known (P3).
    if (!deviceKnown) {
      counters.push({ key: `address:${network}`, limits: limits.address, endsRow: false })
    }
    const spent = await spend(tx, counters, subject)
    return 'until' in spent ? spent : { subject, enrolment: held[0] ?? null, spent }
  }

  /** All names of one subject share its guesses; a name that is nobody's has guesses like anybody's. */
  async function findWhose(
    tx: Tx,
    claim: PasswordClaim,
  ): Promise<{ subject: Subject | null; whose: string }> {
    if ('subjectId' in claim)
      return { subject: await tx.subjects.find(claim.subjectId), whose: claim.subjectId }
    const alias = canonicalAlias(claim.name)
    const subject = alias === null ? null : await tx.subjects.findByAlias(loginApplication, alias)
    return { subject, whose: subject?.id ?? `?${hash('sha256', alias ?? claim.name, 'hex')}` }
  }

  /** One guess of every counter, or of none. */
  async function spend(
    tx: Tx,
    counters: readonly { key: string; limits: ThrottleLimits; endsRow: boolean }[],
    subject: Subject | null,
  ): Promise<SpentGuess[] | { until: number }> {
    const now = clock.now()
    const admissions: { key: string; endsRow: boolean; admission: Admission }[] = []
    for (const { key, limits, endsRow } of counters) {
      const stored = await tx.guesses.lock(key)
      const guess = { now, limits: { ...limits, ceiling: Number.POSITIVE_INFINITY } }
      const admission = admitGuess(stored, guess)
      if (!admission.admitted) {
        if (admission.record !== stored) await tx.guesses.save(key, admission.record)
        return { until: admission.until ?? now }
      }
      admissions.push({ key, endsRow, admission })
    }
    for (const { key, admission } of admissions) {
      await tx.guesses.save(key, admission.record)
      if (admission.admitted && admission.locksUntil !== null) {
        const data = { counter: key, until: admission.locksUntil }
        tx.ledger.append({ type: 'password.throttled', at: now, subject: subject?.id ?? null, data })
      }
    }
    return admissions.map(({ key, endsRow }) => ({ key, endsRow, at: now }))
  }

  async function accept(tx: Tx, judged: JudgedPassword): Promise<Subject | null> {
    const { right, subject, enrolment, address, browser } = judged
    const at = clock.now()
    const refuse = (reason: string) => {
      const data = { address, browser, reason }
      tx.ledger.append({ type: 'password.refused', at, subject: subject?.id ?? null, data })
      return null
    }
    if (!subject) return refuse('unknown')
    if (!right || !enrolment) return refuse('no_match')
    await lockSubject(tx, subject.id)
    const current = await tx.subjects.find(subject.id)
    if (!current || current.disabledAt !== null) return refuse('disabled')
    if (!(await tx.enrolments.touch(enrolment.id, at))) return refuse('changed')
    for (const { key, at: spentAt, endsRow } of judged.spent) {
      const stored = await tx.guesses.lock(key)
      if (stored) await tx.guesses.save(key, (endsRow ? breakRow : refundGuess)(stored, spentAt))
    }
    if (judged.rehashed) await replaceHash(tx, enrolment, judged.rehashed)
    return current
  }

  /** Once, of however many sign-ins judged the old hash at the same time. The subject's lock is held. */
  async function replaceHash(tx: Tx, { id, subjectId, sealed }: Enrolment, rehashed: SealedSecret) {
    const held = (await tx.enrolments.find(id))?.sealed
    if (!held || !sealed || Buffer.compare(held.bytes, sealed.bytes) !== 0) return
    if (!(await tx.enrolments.reseal(id, held.keyId, rehashed))) return
    const data = { enrolment: id, scheme }
    tx.ledger.append({ type: 'password.rehashed', at: clock.now(), subject: subjectId, data })
  }

  function mayRehash(password: string, kept: string): boolean {
    return !isCurrentHash(kept, scheme) && readsWhole(password, parsePasswordHash(kept))
  }

  async function openHash({ subjectId: subject, sealed }: Enrolment): Promise<string | null> {
    return sealed && Buffer.from(await vault.open({ subject, purpose: 'password', sealed })).toString()
  }

  async function sealHash(subject: string, password: string): Promise<SealedSecret> {
    const phc = await hashPassword(password, { scheme, random })
    return vault.seal({ subject, purpose: 'password', plaintext: Buffer.from(phc) })
  }

  return { judge, accept }
}
