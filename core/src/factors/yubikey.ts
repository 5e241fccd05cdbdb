import type { Enrolment } from '../store.ts'
import { parseOtp, type YubikeyOtp } from '../yubikey/otp.ts'
import type { OtpValidator } from '../yubikey/otp-validator.ts'
import type { Factor } from './factor.ts'

/** OTPs that a YubiKey types. The enrolment names the key; its secret is the validator's to know. */
export function createYubikeyFactor({ validator }: { validator: OtpValidator }): Factor {
  return {
    type: 'yubikey',
    unguessable: false,
    recovery: false,
    wellFormed: (input, enrolment) => otpOf(input, enrolment) !== null,
    async verify({ enrolment, input }) {
      const otp = otpOf(input, enrolment)
      return otp && validator.validate(otp)
    },
  }
}

/** The OTP, if it claims to come from the key that is enrolled. */
function otpOf(input: unknown, { settings }: Enrolment): YubikeyOtp | null {
  const otp = parseOtp(input)
  return otp?.publicId === settings.public_id ? otp : null
}
