import type { KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/core'
import {
  holdsClearSecret,
  isBundleKeyInline,
  parseBundleKey,
  parseShimConfig,
  type ShimConfig,
} from '@sallyport/gate-serial'
import { readYaml } from '../read-yaml.ts'
import { resolvePaths } from './resolve-paths.ts'

/** The configuration of the serial gate, or one error with the path of every fault. */
export function readShimConfig(file: string): ShimConfig {
  const read = parseShimConfig(readYaml(file), { where: `the configuration in ${file}` })
  const config = resolvePaths(read, file)
  const { mode } = statSync(file)
  if (holdsClearSecret(config) && mode & 0o077) {
    const seen = (mode & 0o777).toString(8).padStart(4, '0')
    throw new SallyportError(
      'config_invalid',
      `${file}: holds secrets in the clear, and its mode is ${seen}: others could read them; run \`chmod 600 ${file}\``,
    )
  }
  return config
}

/** The key that bundles must be signed with: in place, or in a file that nobody else can write. */
export function readDirectoryKey({ public_key: written }: NonNullable<ShimConfig['directory']>): KeyObject {
  try {
    if (isBundleKeyInline(written)) return parseBundleKey(written)
    if (statSync(written).mode & 0o022)
      throw new SallyportError('invalid_input', `others could write it; run \`chmod go-w ${written}\``)
    return parseBundleKey(readFileSync(written, 'utf8'))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = cause instanceof SallyportError ? message : `cannot be read (${code})`
    const where = isBundleKeyInline(written) ? '' : `${written}: `
    const key = 'technicians[].directory.public_key'
    throw new SallyportError('config_invalid', `${key}: ${where}${why}`, { cause })
  }
}

export function stateDirectory({ storage }: Pick<ShimConfig, 'storage'>): string {
  return join(storage.dir, 'state')
}

/** Where commands reach the running daemon. */
export function controlPath(config: Pick<ShimConfig, 'storage'>): string {
  return join(stateDirectory(config), 'control.sock')
}
