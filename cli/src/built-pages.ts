import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GateConfig } from '@sallyport/gate-http'
import type { Config } from './config.ts'

/** Where the checkout's pages were built, if they were, and what this installation offers on them. */
export function builtPages({ security }: Config): GateConfig['pages'] {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  if (!existsSync(`${folder}/index.html`)) return null
  return { folder, offers: security.mfa.enabled ? ['totp', 'email', 'backup'] : [] }
}
