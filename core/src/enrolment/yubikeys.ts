import { guessKey, lockPresentSubject, lockSubject } from '../chain/attempt-context.ts'
import { type Clock, type Random, randomId } from '../clock.ts'
import {
  type Admission,
  admitGuess,
  defaultGuessLimits,
  type GuessLimits,
  refundGuess,
} from '../guard/guard.ts'
import { consume } from '../once.ts'
import type { Enrolment, Store, Subject, Tx } from '../store.ts'
import { parseOtp, type YubikeyOtp } from '../yubikey/otp.ts'
import type { OtpProof, OtpValidator } from '../yubikey/otp-validator.ts'

export interface EnrolYubikey {
  subject: Subject
  /** One that the key just typed; used up by this. */
  otp: unknown
  name: string
  /** No factor was proved for this, since none is there: refused as soon as one is. */
  asFirst: boolean
}

export type EnrolYubikeyOutcome =
  | { status: 'enrolled'; enrolment: Enrolment; publicId: string }
  | { status: 'rejected'; attemptsLeft: number; lockedUntil: number | null }
  | { status: 'locked'; until: number | null }
  | { status: 'already_enrolled' }
  /** A factor was enrolled meanwhile, and has to be proved first. */
  | { status: 'proof_required' }

export interface Yubikeys {
  enrol(request: EnrolYubikey): Promise<EnrolYubikeyOutcome>
}

export interface YubikeysOptions {
  store: Store
  clock: Clock
  random: Random
  validator: OtpValidator
  limits?: GuessLimits
}

type Admitted = Extract<Admission, { admitted: true }>

/** Registers YubiKeys: the OTP that names the key is also the proof that it is in the subject's hands. */
export function createYubikeys(options: YubikeysOptions): Yubikeys {
  const { store, clock, random, validator, limits = defaultGuessLimits } = options

  async function enrol(request: EnrolYubikey): Promise<EnrolYubikeyOutcome> {
    const { subject } = request
    const otp = parseOtp(request.otp)
    const admission = await store.transaction((tx) => admit(tx, subject.id))
    if (!admission.admitted) return { status: 'locked', until: admission.until }
    const proof = otp && (await validator.validate(otp))
    return store.transaction(async (tx): Promise<EnrolYubikeyOutcome> => {
      if (!otp || !proof) return reject(tx, subject, admission)
      return settle(tx, request, { otp, proof, admission })
    })
  }

  /** An OTP opens the account as well: a try at it costs the subject's budget, as everywhere. */
  async function admit(tx: Tx, subjectId: string): Promise<Admission> {
    const stored = await lockSubject(tx, subjectId)
    const admission = admitGuess(stored, { now: clock.now(), limits })
    if (admission.record !== stored) await tx.guesses.save(guessKey(subjectId), admission.record)
    return admission
  }

  async function settle(
    tx: Tx,
    { subject, name, asFirst }: EnrolYubikey,
    judged: { otp: YubikeyOtp; proof: OtpProof; admission: Admitted },
  ): Promise<EnrolYubikeyOutcome> {
    const { otp, proof, admission } = judged
    const { publicId } = otp
    const { guesses } = await lockPresentSubject(tx, subject.id)
    if (!(await consume(tx, proof.spends))) return reject(tx, subject, admission)
    if (guesses) await tx.guesses.save(guessKey(subject.id), refundGuess(guesses, admission.at))
    const active = await tx.enrolments.listBySubject(subject.id, { status: 'active' })
    if (active.some(({ factor, settings }) => factor === 'yubikey' && settings.public_id === publicId))
      return { status: 'already_enrolled' }
    if (asFirst && active.some(({ factor }) => factor !== 'password')) return { status: 'proof_required' }
    const now = clock.now()
    const enrolment: Enrolment = {
      id: randomId(random),
      subjectId: subject.id,
      factor: 'yubikey',
      name,
      status: 'active',
      sealed: null,
      settings: { public_id: publicId },
      createdAt: now,
      confirmedAt: now,
      revokedAt: null,
      lastUsedAt: null,
      expiresAt: null,
    }
    await tx.enrolments.insert(enrolment)
    const data = { enrolment: enrolment.id, factor: 'yubikey' }
    tx.ledger.append({ type: 'enrolment.confirmed', at: now, subject: subject.id, data })
    return { status: 'enrolled', enrolment, publicId }
  }

  function reject(tx: Tx, subject: Subject, { left, locksUntil }: Admitted): EnrolYubikeyOutcome {
    const data = { factor: 'yubikey' }
    tx.ledger.append({ type: 'enrolment.rejected', at: clock.now(), subject: subject.id, data })
    return { status: 'rejected', attemptsLeft: left, lockedUntil: locksUntil }
  }

  return { enrol }
}
