import { z } from 'zod'
import { SallyportError } from '../../errors.ts'
import type { OtpAlgorithm } from './otp.ts'

export interface TotpSettings {
  algorithm: OtpAlgorithm
  digits: number
  period: number
}

/** What every authenticator app supports; several ignore what an otpauth URI says otherwise. */
export const defaultTotpSettings: TotpSettings = { algorithm: 'SHA1', digits: 6, period: 30 }

const schema = z.object({
  algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).default(defaultTotpSettings.algorithm),
  digits: z.int().min(6).max(8).default(defaultTotpSettings.digits),
  period: z.int().min(15).max(120).default(defaultTotpSettings.period),
})

/** The settings with the defaults filled in; `invalid_input` with every fault when they cannot be had. */
export function checkTotpSettings(input: unknown): TotpSettings {
  const checked = schema.safeParse(input)
  if (checked.success) return checked.data
  const faults = checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  throw new SallyportError('invalid_input', 'these TOTP settings cannot be used', { faults })
}
