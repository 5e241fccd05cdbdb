import type { Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Enrolment } from '../store.ts'
import type { Factor } from './factor.ts'
import { decodeSecret } from './shared/base32.ts'
import { fingerprint } from './shared/fingerprint.ts'
import { matchTotp, timeStep, wellFormedCode } from './shared/otp.ts'
import { checkTotpSettings, type TotpSettings } from './shared/totp-settings.ts'

/** RFC 4226, section 4, R6: 160 bits recommended, 128 at least; what is imported may have 80, with a warning. */
const generatedBytes = 20
const soundBytes = 16
const leastBytes = 10
/** The shortest block of the HMACs in use. A longer key would be hashed first, and so be a second spelling. */
const mostBytes = 64

export interface ImportedTotpSecret {
  secret: Uint8Array
  warning: 'short_secret' | null
}

/**
 * Codes from an authenticator app: RFC 6238. `window`: how many steps a phone's clock may be off, either way.
 *
 * A step is raised per secret, not per enrolment: the same secret enrolled twice is still used up once.
 */
export function createTotpFactor({ window = 1 }: { window?: number } = {}): Factor {
  if (!Number.isInteger(window) || window < 0 || window > 10) {
    throw new SallyportError('config_invalid', `the TOTP window must be 0 to 10 steps, not ${window}`)
  }
  return {
    type: 'totp',
    unguessable: false,
    recovery: false,
    wellFormed: (input, enrolment) => wellFormedCode(input, settingsOf(enrolment).digits),
    async verify({ enrolment, secret, input, now }) {
      const settings = settingsOf(enrolment)
      if (!wellFormedCode(input, settings.digits)) return null
      // An enrolment without its secret would be passed by the codes of an empty key.
      if (secret.length < leastBytes) {
        throw new SallyportError('store_damaged', `enrolment ${enrolment.id} lost its secret`)
      }
      // which steps are used up is the store's to know: `raise` refuses them, in the commit that accepts
      const step = matchTotp({ ...settings, secret, code: input, now, window, after: null })
      if (step === null) return null
      const drift = step - timeStep(now, settings.period)
      return {
        spends: [{ kind: 'raise', key: `totp:${fingerprint(secret)}`, value: step }],
        detail: { time_step: step, drift_steps: drift },
        remember: { drift_steps: drift },
      }
    },
  }
}

export function newTotpSecret(random: Random): Uint8Array {
  return random.bytes(generatedBytes)
}

/** A secret that exists elsewhere, in Base32. */
export function importTotpSecret(text: string): ImportedTotpSecret {
  const secret = decodeSecret(text)
  if (secret.length < leastBytes || secret.length > mostBytes) {
    const bits = `${leastBytes * 8} to ${mostBytes * 8} bits`
    throw new SallyportError('invalid_input', `a TOTP secret has ${bits}, not ${secret.length * 8}`)
  }
  return { secret, warning: secret.length < soundBytes ? 'short_secret' : null }
}

/** A stored enrolment was checked when it was made: what cannot be used now was damaged since. */
function settingsOf(enrolment: Enrolment): TotpSettings {
  try {
    return checkTotpSettings(enrolment.settings)
  } catch (cause) {
    throw new SallyportError('store_damaged', `enrolment ${enrolment.id} has unusable settings`, { cause })
  }
}
