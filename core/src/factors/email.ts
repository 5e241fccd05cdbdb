import { timingSafeEqual } from 'node:crypto'
import { type Random, randomInteger } from '../clock.ts'
import type { Enrolment, Subject } from '../store.ts'
import { type Factor, standIn } from './factor.ts'
import { wellFormedCode } from './shared/otp.ts'

const digits = 6
const hour = 3_600_000

/** What was mailed and where to, kept sealed until it comes back. */
export interface MailedCode {
  code: string
  address: string
}

export function drawMailedCode(random: Random): string {
  return String(randomInteger(random, 10 ** digits)).padStart(digits, '0')
}

export function encodeMailedCode({ code, address }: MailedCode): Uint8Array {
  return Buffer.from(JSON.stringify({ code, address }))
}

/** Codes sent to the account's verified address, as a fallback or by an enrolment of its own. */
export function createEmailFactor(): Factor {
  return {
    type: 'email',
    unguessable: false,
    recovery: false,
    wellFormed: (input) => wellFormedCode(input, digits),
    challenged(subject, active, now) {
      const enrolment = emailEnrolment(subject, active, now)
      return enrolment && forAddress(enrolment, subject.email)
    },
    async verify({ enrolment, secret, input, challengeId }) {
      if (challengeId === undefined || !wellFormedCode(input, digits)) return null
      const sent = JSON.parse(Buffer.from(secret).toString()) as MailedCode
      const same = timingSafeEqual(Buffer.from(input), Buffer.from(sent.code))
      // The address was changed since: what came to the old one proves nothing about the account any more.
      if (!same || sent.address !== enrolment.settings.address) return null
      return { spends: [{ kind: 'once', key: `email:${challengeId}` }], detail: {} }
    },
  }
}

/** The enrolment as codes are judged against it: only those sent to `address` count. */
export function forAddress(enrolment: Enrolment, address: string | null): Enrolment {
  return { ...enrolment, settings: { ...enrolment.settings, address } }
}

/** Whether the subject may prove itself by a code to its verified address. */
export function emailUsable(subject: Subject, active: readonly Enrolment[], now: number): boolean {
  return emailEnrolment(subject, active, now) !== null
}

/**
 * Mail is a fallback for those who have another factor, and turns nothing on by itself. Whoever reads the
 * mail can reset the password too; so a reset makes mail useless for an hour, and an administrator has
 * this way only where it was enrolled, and not on the strength of a reset since.
 */
function emailEnrolment(subject: Subject, active: readonly Enrolment[], now: number): Enrolment | null {
  const { email, emailVerifiedAt, passwordResetAt, role } = subject
  if (email === null || emailVerifiedAt === null) return null
  if (passwordResetAt !== null && now - passwordResetAt < hour) return null
  const own = active.find(({ factor }) => factor === 'email')
  if (role === 'admin') return own && (own.confirmedAt ?? 0) > (passwordResetAt ?? 0) ? own : null
  if (own) return own
  const hasAnother = active.some(({ factor }) => factor !== 'password')
  return hasAnother ? standIn(subject, 'email') : null
}
