import { guessKey, lockPresentSubject, lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import {
  createEmailFactor,
  drawMailedCode,
  emailUsable,
  encodeMailedCode,
  forAddress,
} from '../factors/email.ts'
import { admitGuess, defaultGuessLimits, type GuessLimits, refundGuess } from '../guard/guard.ts'
import { isMailAddress, utc } from '../mail/letters.ts'
import type { Outbox } from '../mail/outbox.ts'
import { consume } from '../once.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import type { ConfirmOutcome } from './enrolments.ts'

const minute = 60_000
const clockSkew = minute

export interface EmailCodeLimits {
  /** How long a code is good for, in milliseconds. */
  lifetime: number
  /** How often each code is judged. */
  tries: number
  /** This many codes … */
  sends: number
  /** … in this many milliseconds. */
  within: number
}

export const defaultEmailCodeLimits: EmailCodeLimits = {
  lifetime: 10 * minute,
  tries: 5,
  sends: 3,
  within: 60 * minute,
}

export interface EmailCodesOptions {
  store: Store
  vault: Vault
  clock: Clock
  random: Random
  outbox: Outbox
  /** The budget for guesses, the same as for every other. */
  limits?: GuessLimits
  codes?: EmailCodeLimits
}

export type SendOutcome =
  | { status: 'sent' }
  | { status: 'too_many'; until: number }
  /** No address that a code may go to. It counted like one sent: tell no stranger the difference. */
  | { status: 'unavailable' }

export type EmailBegun =
  | { status: 'sent'; enrolment: Enrolment }
  | Exclude<SendOutcome, { status: 'sent' }>
  | { status: 'already_enrolled' }

export interface EmailCodes {
  /** Mails a code that replaces the one before. For a pending attempt or a signed-in session, nobody else. */
  send(request: { subject: Subject; purpose: 'sign-in' | 'step-up' }): Promise<SendOutcome>
  /** Begins an enrolment of the account's address, verified or not, by mailing it a code. */
  begin(subject: Subject): Promise<EmailBegun>
  /** Confirms it; the address is verified from then on. */
  confirm(request: { subject: Subject; enrolmentId?: string; code: unknown }): Promise<ConfirmOutcome>
}

export function createEmailCodes(options: EmailCodesOptions): EmailCodes {
  const { store, vault, clock, random, outbox } = options
  const guesses = options.limits ?? defaultGuessLimits
  const codes = options.codes ?? defaultEmailCodeLimits
  const factor = createEmailFactor()

  const send: EmailCodes['send'] = async ({ subject, purpose }) => {
    const outcome = await store.transaction(async (tx): Promise<SendOutcome> => {
      await lockSubject(tx, subject.id)
      const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
      const current = await tx.subjects.find(subject.id)
      const usable = current !== null && emailUsable(current, active, clock.now())
      return mail(tx, { subject, purpose, to: usable ? current.email : null })
    })
    if (outcome.status === 'sent') void outbox.kick()
    return outcome
  }

  async function begin(subject: Subject): Promise<EmailBegun> {
    const begun = await store.transaction(async (tx): Promise<EmailBegun> => {
      const { subject: current } = await lockPresentSubject(tx, subject.id)
      const mine = await tx.enrolments.listBySubject(subject.id, { factor: 'email' })
      if (mine.some(({ status }) => status === 'active')) return { status: 'already_enrolled' }
      const outcome = await mail(tx, { subject, purpose: 'enrol', to: current.email })
      if (outcome.status !== 'sent') return outcome
      const now = clock.now()
      for (const { id, status } of mine) if (status === 'pending') await tx.enrolments.revoke(id, now)
      const enrolment = draft(subject, now)
      await tx.enrolments.insert(enrolment)
      append(tx, 'enrolment.begun', enrolment)
      return { status: 'sent', enrolment }
    })
    if (begun.status === 'sent') void outbox.kick()
    return begun
  }

  /** Under the subject's lock: of many at once as many are sent as are allowed, and no more. */
  async function mail(
    tx: Tx,
    wanted: { subject: Subject; purpose: string; to: string | null },
  ): Promise<SendOutcome> {
    const { subject, purpose, to } = wanted
    const now = clock.now()
    const sends = await tx.challenges.countSince(subject.id, 'email', now - codes.within)
    if (sends >= codes.sends) return { status: 'too_many', until: await freeAgain(tx, subject.id, now) }
    const code = drawMailedCode(random)
    const address = to !== null && isMailAddress(to) ? to : null
    const plaintext = encodeMailedCode({ code, address: address ?? '' })
    const expiresAt = now + codes.lifetime
    const id = randomId(random)
    // Without an address just the same, so that neither the limit nor the work done tells who has one.
    await tx.challenges.open({
      id,
      subjectId: subject.id,
      factor: 'email',
      sealed: vault.seal({ subject: subject.id, purpose: 'challenge', plaintext }),
      createdAt: now,
      expiresAt,
      triesLeft: codes.tries,
      endedAt: null,
    })
    const type = address === null ? 'email.code_withheld' : 'email.code_sent'
    tx.ledger.append({ type, at: now, subject: subject.id, data: { challenge: id, purpose } })
    if (address === null) return { status: 'unavailable' }
    const letter = { to: address, kind: 'code', facts: { code, until: utc(expiresAt) } } as const
    await outbox.enqueue(tx, letter, { subjectId: subject.id, expiresIn: codes.lifetime })
    return { status: 'sent' }
  }

  /** When the oldest of the codes that count is old enough, to a twelfth of the window. */
  async function freeAgain(tx: Tx, subjectId: string, now: number): Promise<number> {
    const last = now + codes.within
    const step = Math.ceil(codes.within / 12)
    for (let until = now + step; until < last; until += step) {
      const left = await tx.challenges.countSince(subjectId, 'email', until - codes.within)
      if (left < codes.sends) return until
    }
    return last
  }

  const confirm: EmailCodes['confirm'] = async (request) => {
    const admitted = await store.transaction((tx) => admit(tx, request))
    if (admitted.kind === 'answer') return admitted.answer
    const { enrolment, challenge, address, at } = admitted
    const { id: challengeId, sealed, subjectId: subject } = challenge
    const secret = await vault.open({ subject, purpose: 'challenge', sealed })
    const claim = { enrolment: forAddress(enrolment, address), secret, challengeId }
    const match = await factor.verify({ ...claim, input: request.code, now: clock.now() })
    return store.transaction(async (tx): Promise<ConfirmOutcome> => {
      const record = await lockSubject(tx, subject)
      const now = clock.now()
      const current = await tx.subjects.find(subject)
      const fresh = match && current?.email === address && (await consume(tx, match.spends))
      if (!fresh || !(await tx.challenges.end(challengeId, now))) return reject(tx, enrolment)
      const kept = { sealed: null, settings: enrolment.settings }
      if (!(await tx.enrolments.activate(enrolment.id, now, kept))) return { status: 'nothing_pending' }
      await tx.subjects.update(subject, { emailVerifiedAt: now })
      if (record) await tx.guesses.save(guessKey(subject), refundGuess(record, at))
      append(tx, 'enrolment.confirmed', enrolment)
      return { status: 'confirmed', enrolment: { ...enrolment, status: 'active', confirmedAt: now } }
    })
  }

  /** A code that may open the account as well: a guess at it costs the subject's budget, and one of its tries. */
  async function admit(tx: Tx, request: Parameters<EmailCodes['confirm']>[0]) {
    const { subject, enrolmentId, code } = request
    const now = clock.now()
    const stored = await lockSubject(tx, subject.id)
    const pending = await tx.enrolments.listBySubject(subject.id, { status: 'pending', factor: 'email' })
    const enrolment = pending.find(
      ({ id, expiresAt }) => (enrolmentId ?? id) === id && (expiresAt ?? 0) > now,
    )
    if (!enrolment) return { kind: 'answer', answer: { status: 'nothing_pending' } } as const
    const admission = admitGuess(stored, { now, limits: guesses })
    if (admission.record !== stored) await tx.guesses.save(guessKey(subject.id), admission.record)
    if (!admission.admitted) {
      return { kind: 'answer', answer: { status: 'locked', until: admission.until } } as const
    }
    const { email: address } = (await tx.subjects.find(subject.id)) ?? { email: null }
    const challenge = await tx.challenges.live(subject.id, 'email', now)
    const judged =
      challenge &&
      now >= challenge.createdAt - clockSkew &&
      factor.wellFormed(code, enrolment) &&
      (await tx.challenges.takeTry(challenge.id))
    if (!judged) return { kind: 'answer', answer: reject(tx, enrolment) } as const
    return { kind: 'admitted', enrolment, challenge, address, at: admission.at } as const
  }

  function draft(subject: Subject, now: number): Enrolment {
    return {
      id: randomId(random),
      subjectId: subject.id,
      factor: 'email',
      name: 'E-mail',
      status: 'pending',
      sealed: null,
      settings: {},
      createdAt: now,
      confirmedAt: null,
      revokedAt: null,
      lastUsedAt: null,
      expiresAt: now + codes.lifetime,
    }
  }

  function reject(tx: Tx, enrolment: Enrolment): { status: 'rejected' } {
    append(tx, 'enrolment.rejected', enrolment)
    return { status: 'rejected' }
  }

  function append(tx: Tx, type: string, { subjectId: subject, id, factor: kind }: Enrolment): void {
    tx.ledger.append({ type, at: clock.now(), subject, data: { enrolment: id, factor: kind } })
  }

  return { send, begin, confirm }
}
