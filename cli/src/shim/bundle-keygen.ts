import { writeFileSync } from 'node:fs'
import { SallyportError, systemRandom } from '@sallyport/core'
import { generateBundleKey } from '@sallyport/gate-serial'
import { print, style } from '../output.ts'

export function bundleKeygenCommand({ out, json = false }: { out: string; json?: boolean }): void {
  const { privateKeyPem, publicKey } = generateBundleKey(systemRandom)
  try {
    writeFileSync(out, privateKeyPem, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new SallyportError('already_exists', `${out}: is there already`, { cause })
    throw new SallyportError('invalid_input', `${out}: cannot be written (${code})`, { cause })
  }
  print({
    json,
    data: { private_key_file: out, public_key: publicKey },
    text: () => `${style.green('wrote')} ${out}, which signs bundles; gates are given\n${publicKey}`,
  })
}
