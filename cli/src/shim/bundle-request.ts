import { createPublicKey } from 'node:crypto'
import { type BundleRequest, openBundleKey, requestFingerprint, x25519Text } from '@sallyport/gate-serial'
import { print, style } from '../output.ts'
import { openShim } from './open-shim.ts'
import { readShimConfig } from './read-config.ts'
import type { BundleRequestOptions } from './shim-options.ts'
import { replaceFile } from './write-file.ts'

/** Writes what a bundle for this gate is asked with: nothing in it is secret, but it must not be exchanged. */
export async function bundleRequestCommand(options: BundleRequestOptions): Promise<void> {
  const { out, json = false } = options
  const config = readShimConfig(options.config)
  // Before there is a bundle, the key that proves it need not be there either.
  const foundation = await openShim({ ...config, directory: null })
  try {
    const publicKey = x25519Text(createPublicKey(await openBundleKey(foundation)))
    const { algorithm, period, digits, issuer } = config.totp
    const { id: device } = config.device
    const request: BundleRequest = {
      sallyport: 'bundle request v1',
      ...{ device, public_key: publicKey },
      totp: { algorithm, period, digits, issuer },
    }
    replaceFile(out).write(`${JSON.stringify(request, null, 2)}\n`)
    const fingerprint = requestFingerprint(request)
    print({
      json,
      data: { device, public_key: publicKey, fingerprint, file: out },
      text: () =>
        [
          `${style.green('wrote')} ${out}, for \`sallyport shim bundle --for ${out}\` at the central place`,
          `device       ${device}`,
          `fingerprint  ${style.bold(fingerprint)}`,
          'Compare the fingerprint there: whoever exchanges the request on its way could read the bundle.',
        ].join('\n'),
    })
  } finally {
    await foundation.close()
  }
}
