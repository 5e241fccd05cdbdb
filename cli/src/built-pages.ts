import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GateConfig } from '@sallyport/gate-http'
import type { Sallyport } from './sallyport.ts'
import { validatorOf } from './yubikey-validator.ts'

type Parts = Pick<Sallyport, 'config' | 'store' | 'policies' | 'webauthn' | 'yubikeys'>

/** Where the checkout's pages were built, if they were, and what this installation offers on them. */
export function builtPages({ config, store, policies, webauthn, yubikeys }: Parts): GateConfig['pages'] {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(`${folder}/index.html`)) return null
  if (!config.security.mfa.enabled) return { folder, offers: async () => [] }
  const passkeys = webauthn !== null && policies.rules.some(({ passkey }) => passkey)
  const validatedElsewhere = validatorOf(config.security.mfa.yubikey) === 'yubicloud'
  /** Without a key of which it has the secret this server could accept none. */
  const takesYubikeys = async () =>
    yubikeys !== null &&
    (validatedElsewhere || (await store.read((tx) => tx.yubikeys.list({ limit: 1 }))).items.length > 0)
  return {
    folder,
    offers: async () => [
      ...(['totp', 'email', 'backup'] as const),
      ...(webauthn ? (['webauthn'] as const) : []),
      ...(passkeys ? (['passkey'] as const) : []),
      ...((await takesYubikeys()) ? (['yubikey'] as const) : []),
    ],
  }
}
