import type { Answer } from '@sallyport/sdk'

export type Status = Answer<'GET /auth/mfa/status'>
export type Factor = Status['factors'][number]

/** What can prove it where a call itself carries the proof. */
export function provingMethods({ factors, backup_codes_remaining: codes }: Status) {
  const enrolled = (['totp', 'webauthn', 'yubikey', 'email'] as const).filter((type) =>
    factors.some((factor) => factor.type === type),
  )
  return codes > 0 ? [...enrolled, 'backup' as const] : enrolled
}
