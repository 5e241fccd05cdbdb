import { systemRandom } from '@sallyport/core'
import { generateBundleKey } from '@sallyport/gate-serial'
import { print, style } from '../output.ts'
import { writePrivateKey } from '../write-private-key.ts'

export function bundleKeygenCommand({ out, json = false }: { out: string; json?: boolean }): void {
  const { privateKeyPem, publicKey } = generateBundleKey(systemRandom)
  writePrivateKey(out, privateKeyPem)
  print({
    json,
    data: { private_key_file: out, public_key: publicKey },
    text: () => `${style.green('wrote')} ${out}, which signs bundles; gates are given\n${publicKey}`,
  })
}
