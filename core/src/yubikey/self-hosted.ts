import type { Spend } from '../factors/factor.ts'
import { fingerprint } from '../factors/shared/fingerprint.ts'
import type { Store } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import { counterOf, type OtpFields, openBlock, spendOf, type YubikeyOtp } from './otp.ts'
import type { OtpValidator } from './otp-validator.ts'

interface KeyHolder {
  store: Store
  vault: Pick<Vault, 'open'>
}

export interface OpenedOtp {
  fields: OtpFields
  /** All of these must be new for the OTP to be accepted. */
  spends: readonly Spend[]
}

export const yubikeyBinding = (publicId: string) => ({ subject: 'yubikey', purpose: publicId })

/** Opens an OTP with the keys held here; `null` when it is of none of them. */
export async function openOtp(otp: YubikeyOtp, { store, vault }: KeyHolder): Promise<OpenedOtp | null> {
  const key = await store.read((tx) => tx.yubikeys.find(otp.publicId))
  if (!key) return null
  const secret = await vault.open({ ...yubikeyBinding(otp.publicId), sealed: key.sealed })
  const fields = openBlock(otp.block, secret)
  // By secret: a key that is removed and imported again goes on where it was, one programmed anew begins anew.
  const counter = { kind: 'raise', key: `yubikey:${fingerprint(secret)}` } as const
  return fields && { fields, spends: [{ ...counter, value: counterOf(fields) }, spendOf(otp)] }
}

/** Validates by the AES keys in the vault: needs no network, and its counters are the store's. */
export function createSelfHostedValidator(holder: KeyHolder): OtpValidator {
  return {
    async validate(otp) {
      const opened = await openOtp(otp, holder)
      if (!opened) return null
      const { fields, spends } = opened
      return { spends, detail: { usage_counter: fields.usageCounter, session_use: fields.sessionUse } }
    },
  }
}
