import type { EnrolYubikeyOutcome } from '@sallyport/core'
import { Refusal, refuseUntil, wrongCode } from './refusal.ts'

type Refused = Exclude<EnrolYubikeyOutcome, { status: 'enrolled' | 'proof_required' }>

/** Why a YubiKey was not enrolled, at whichever surface. */
export function notEnrolled(outcome: Refused, { now }: { now: number }): Refusal {
  switch (outcome.status) {
    case 'already_enrolled':
      return new Refusal('already_exists', 'this YubiKey is enrolled already')
    case 'locked':
      return refuseUntil('locked', 'too many wrong codes: wait, then try again', {
        until: outcome.until,
        now,
      })
    case 'rejected':
      return wrongCode(outcome, { now })
  }
}

export function yubikeysOff(): Refusal {
  return new Refusal('forbidden', 'YubiKeys are turned off here: security.mfa.yubikey.enabled')
}
