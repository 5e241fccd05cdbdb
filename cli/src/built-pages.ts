import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GateConfig } from '@sallyport/gate-http'
import type { Sallyport } from './sallyport.ts'

type Parts = Pick<Sallyport, 'config' | 'policies' | 'webauthn' | 'yubikeys'>

/** Where the checkout's pages were built, if they were, and what this installation offers on them. */
export function builtPages({ config, policies, webauthn, yubikeys }: Parts): GateConfig['pages'] {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(`${folder}/index.html`)) return null
  if (!config.security.mfa.enabled) return { folder, offers: [] }
  const passkeys = webauthn !== null && policies.rules.some(({ passkey }) => passkey)
  return {
    folder,
    offers: [
      ...(['totp', 'email', 'backup'] as const),
      ...(webauthn ? (['webauthn'] as const) : []),
      ...(passkeys ? (['passkey'] as const) : []),
      ...(yubikeys ? (['yubikey'] as const) : []),
    ],
  }
}
