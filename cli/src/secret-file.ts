import { readFileSync } from 'node:fs'
import { SallyportError } from '@sallyport/core'

/** A file named by the configuration key `key`. */
export function readTextFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new SallyportError('config_invalid', `${key}: ${path} cannot be read (${reason})`, { cause })
  }
}

/** A secret kept in a file of its own, without the line feed that editors add. */
export function readSecretFile(key: string, path: string): string {
  return readTextFile(key, path).replace(/\r?\n$/, '')
}
