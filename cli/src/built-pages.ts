import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GateConfig } from '@sallyport/gate-http'
import type { Sallyport } from './sallyport.ts'

/** Where the checkout's pages were built, if they were, and what this installation offers on them. */
export function builtPages({
  config,
  yubikeys,
}: Pick<Sallyport, 'config' | 'yubikeys'>): GateConfig['pages'] {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(`${folder}/index.html`)) return null
  if (!config.security.mfa.enabled) return { folder, offers: [] }
  return { folder, offers: ['totp', 'email', 'backup', ...(yubikeys ? (['yubikey'] as const) : [])] }
}
