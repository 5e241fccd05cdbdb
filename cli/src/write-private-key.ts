import { writeFileSync } from 'node:fs'
import { SallyportError } from '@sallyport/core'

/** For its owner alone, and never over another one. */
export function writePrivateKey(file: string, pem: string): void {
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new SallyportError('already_exists', `${file}: is there already`, { cause })
    throw new SallyportError('invalid_input', `${file}: cannot be written (${code})`, { cause })
  }
}
