import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the checkout's pages were built, if they were. */
export function builtPages(): string | null {
  const folder = fileURLToPath(new URL('../../web/dist', import.meta.url))
  return existsSync(`${folder}/index.html`) ? folder : null
}
