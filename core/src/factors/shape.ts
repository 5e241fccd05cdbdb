import { isBackupCode } from './backup.ts'
import type { FactorType } from './factor.ts'

/**
 * Which factor a code is for, by its look alone, where a client names none.
 *
 * Digits are always a TOTP code. A backup code of eight digits therefore needs its method named; one of
 * the other formats always holds a letter, so that it is never taken for digits even without its hyphens.
 */
export function detectMethod(input: string): FactorType | null {
  if (/^[0-9]{6,8}$/.test(input)) return 'totp'
  // modified hexadecimal, as a YubiKey types it: lower case, or upper with Caps Lock on
  if (/^[cbdefghijklnrtuv]{44}$/i.test(input)) return 'yubikey'
  return isBackupCode(input, 'short') || isBackupCode(input, 'long') ? 'backup' : null
}
