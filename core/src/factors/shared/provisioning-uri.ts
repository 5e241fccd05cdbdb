import { SallyportError } from '../../errors.ts'
import { decodeSecret, encodeSecret } from './base32.ts'
import { checkTotpSettings, type TotpSettings } from './totp-settings.ts'

export interface Provisioning extends TotpSettings {
  secret: Uint8Array
  /** Who the account is with; may be empty in a URI made elsewhere. */
  issuer: string
  account: string
}

/**
 * The `otpauth:` URI that authenticator apps read. Everything but a colon of our own between issuer and
 * account is percent-encoded, so no label can end its part of the URI or begin a parameter.
 */
export function provisioningUri(options: Provisioning): string {
  const account = encode(options.account)
  const issuer = encode(options.issuer)
  const parameters = [
    `secret=${encodeSecret(options.secret)}`,
    ...(issuer ? [`issuer=${issuer}`] : []),
    `algorithm=${options.algorithm}`,
    `digits=${options.digits}`,
    `period=${options.period}`,
  ]
  return `otpauth://totp/${issuer ? `${issuer}:` : ''}${account}?${parameters.join('&')}`
}

/** Reads a URI made here or elsewhere, where the colon may be encoded and settings left to their defaults. */
export function parseProvisioningUri(uri: string): Provisioning {
  const parts = /^otpauth:\/\/totp\/([^?#]*)\?([^#]*)$/i.exec(uri)
  if (!parts) throw new SallyportError('invalid_input', 'not an otpauth://totp/ URI')
  const parameters = new URLSearchParams(parts[2])
  const secret = parameters.get('secret')
  if (!secret) throw new SallyportError('invalid_input', 'the URI holds no secret')
  return {
    secret: decodeSecret(secret),
    ...splitLabel(parts[1]!, parameters.get('issuer')),
    ...checkTotpSettings({
      algorithm: parameters.get('algorithm')?.toUpperCase(),
      digits: wholeNumber(parameters.get('digits')),
      period: wholeNumber(parameters.get('period')),
    }),
  }
}

function splitLabel(label: string, named: string | null): { issuer: string; account: string } {
  const colon = label.indexOf(':')
  if (colon >= 0) {
    return { issuer: named ?? decode(label.slice(0, colon)), account: decode(label.slice(colon + 1)) }
  }
  const whole = decode(label)
  if (!named) return { issuer: '', account: whole }
  return { issuer: named, account: whole.startsWith(`${named}:`) ? whole.slice(named.length + 1) : whole }
}

/** Half of a surrogate pair has no UTF-8 form: it becomes U+FFFD, as in everything else that is sent. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new SallyportError('invalid_input', 'the label is not well encoded', { cause })
  }
}

function wholeNumber(text: string | null): number | undefined {
  if (text === null) return undefined
  return /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN
}
