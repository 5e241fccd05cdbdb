import { yubikeyRoutes } from '@sallyport/protocol'
import { stepUpRequired } from '../access.ts'
import type { Binder } from '../bind.ts'
import { notEnrolled, yubikeysOff } from '../yubikey-refusals.ts'
import { enrolledAnswer } from './enrolled-answer.ts'
import { type LoginContext, personOf } from './login-context.ts'

/** A person registers a YubiKey by touching it. */
export function registerYubikey(bind: Binder, login: LoginContext): void {
  const { access, services } = login
  const { yubikeys, clock } = services

  bind(yubikeyRoutes.enrol, async (call) => {
    if (!yubikeys) return yubikeysOff()
    const person = personOf(call)
    const proof = await access.proofOf(person)
    if (!proof) return stepUpRequired()
    const { otp, name = 'YubiKey' } = call.body
    const asFirst = proof === 'nothing_enrolled'
    const outcome = await yubikeys.enrol({ subject: person.subject, otp, name, asFirst })
    if (outcome.status === 'proof_required') return stepUpRequired()
    if (outcome.status !== 'enrolled') return notEnrolled(outcome, { now: clock.now() })
    const { enrolment, publicId } = outcome
    const answer = await enrolledAnswer(login, call, { ...person, enrolment })
    return { ...answer, enrolment_id: enrolment.id, public_id: publicId }
  })
}
