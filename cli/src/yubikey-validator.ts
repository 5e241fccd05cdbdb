import { createYubicloudValidator } from '@sallyport/adapters'
import { createSelfHostedValidator, type OtpValidator, SallyportError } from '@sallyport/core'
import type { Config } from './config.ts'
import type { Foundation } from './foundation.ts'
import { readSecretFile } from './secret-file.ts'

/** Who validates YubiKeys' OTPs, as configured; `null` where they are turned off. */
export function yubikeyValidator({ config, store, vault, random }: Foundation): OtpValidator | null {
  const { enabled, client_id: clientId, urls, timeout } = config.security.mfa.yubikey
  if (!enabled) return null
  if (validatorOf(config.security.mfa.yubikey) === 'self_hosted')
    return createSelfHostedValidator({ store, vault })
  const apiKey = readApiKey(config.security.mfa.yubikey)
  if (clientId === undefined)
    throw unusable('client_id', 'YubiCloud needs it: https://upgrade.yubico.com/getapikey/')
  return createYubicloudValidator({ clientId, apiKey, urls, timeout, random })
}

export function validatorOf({ validator, client_id: clientId }: Config['security']['mfa']['yubikey']) {
  return validator ?? (clientId === undefined ? 'self_hosted' : 'yubicloud')
}

function readApiKey({ api_key: key, api_key_file: file }: Config['security']['mfa']['yubikey']): Buffer {
  if (key !== undefined && file !== undefined) {
    throw unusable('api_key', 'name either api_key or api_key_file, not both')
  }
  const text = file === undefined ? key : readSecretFile('security.mfa.yubikey.api_key_file', file)
  const path = file === undefined ? 'api_key' : 'api_key_file'
  if (text === undefined) throw unusable('api_key', 'YubiCloud needs it, here or in a file: api_key_file')
  // Without it anybody on the way could sign answers.
  if (!/^[A-Za-z0-9+/]{16,}={0,2}$/.test(text)) throw unusable(path, 'must be a key in base64')
  return Buffer.from(text, 'base64')
}

function unusable(key: string, message: string): SallyportError {
  const path = `security.mfa.yubikey.${key}`
  return new SallyportError('config_invalid', `${path}: ${message}`, { faults: [{ path, message }] })
}
