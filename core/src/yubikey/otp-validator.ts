import type { Spend } from '../factors/factor.ts'
import type { YubikeyOtp } from './otp.ts'

export interface OtpProof {
  /** All of these must be new for the OTP to be accepted. */
  spends: readonly Spend[]
  detail: Record<string, string | number>
}

/** Who says whether an OTP is genuine: this installation, by the keys it holds, or YubiCloud. */
export interface OtpValidator {
  /** `null` when it proves nothing. Throws `yubikey_unavailable` when that cannot be known now. */
  validate(otp: YubikeyOtp): Promise<OtpProof | null>
}
