import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalAlias, SallyportError } from '@sallyport/core'
import {
  acceptedBefore,
  readBundle,
  type ShimConfig,
  stateOf,
  untimely,
  whoCannotPass,
} from '@sallyport/gate-serial'
import { print, style } from '../output.ts'
import { openShim } from './open-shim.ts'
import { readDirectoryKey, readShimConfig, stateDirectory } from './read-config.ts'
import { checkReadiness } from './readiness.ts'
import type { ShimOptions } from './shim-options.ts'

/** What `sallyport shim check` does: says that the file can be used, or every reason why not. */
export async function checkCommand({ config: file, json = false }: ShimOptions): Promise<void> {
  const config = readShimConfig(file)
  await checkReadiness(config)
  const { device, ports, technicians, vault, storage } = config
  const bundle = config.directory && (await checkBundle(config, file))
  const without = technicians.filter(({ factors }) => factors.length === 0).map(({ id }) => id)
  const unable = whoCannotPass(config)
  const warnings = [
    ...(vault === 'off' ? ['vault: off is for trials: secrets may stand in the clear'] : []),
    ...(storage.auditor_keys.length === 0
      ? ['no storage.auditor_keys: recordings are signed, but not sealed']
      : []),
    ...(bundle?.warnings ?? []),
    ...(technicians.length === 0 && !bundle
      ? ['no technicians: nobody can pass; enrol one with `sallyport shim enrol`']
      : []),
    ...(unable.length > 0
      ? [`without the factors of the policy, and so unable to pass: ${unable.join(', ')}`]
      : []),
    ...(config.siem ? [] : ['no siem: evidence is kept here alone']),
    ...(without.length > 0 ? [`without a factor, and so unable to pass: ${without.join(', ')}`] : []),
  ]
  print({
    json,
    data: {
      valid: true,
      device: device.id,
      ports: ports.map(({ id }) => id),
      technicians: technicians.length,
      ...(bundle && { bundle: bundle.data }),
      warnings,
    },
    text: () =>
      [
        `${style.green('valid')}: ${file}: device ${device.id}, ${ports.length} port(s), ${technicians.length} technician(s)`,
        ...(bundle
          ? [
              `bundle: serial ${bundle.data.serial}, ${bundle.data.technicians} technician(s), until ${bundle.data.expires}`,
            ]
          : []),
        ...warnings.map((warning) => style.yellow(`note: ${warning}`)),
      ].join('\n'),
  })
}

/** The bundle as the gate would take it in at this moment, or why it would not. Nothing of it is kept. */
async function checkBundle(config: ShimConfig, file: string) {
  const directory = config.directory!
  readDirectoryKey(directory)
  const refuse = (reason: string) =>
    new SallyportError('config_invalid', `technicians[].directory.bundle: ${directory.bundle} ${reason}`)
  if (!existsSync(join(stateDirectory(config), 'shim.db')))
    throw refuse(
      `cannot be for this gate, which has no key yet: make the request with \`sallyport shim bundle request --config ${file}\``,
    )
  const foundation = await openShim(config)
  try {
    const { store, clock } = foundation
    const read = await readBundle(foundation.directory!, config.device.id)
    if (read.status === 'refused') throw refuse(read.reason)
    const { bundle } = read.value
    const accepted = await store.read(acceptedBefore)
    const reason = untimely(bundle, { now: clock.now(), accepted })
    if (reason !== null) throw refuse(reason)
    const listed = new Set(config.technicians.map(({ id }) => canonicalAlias(id)))
    const both = bundle.technicians.filter(({ id }) => listed.has(canonicalAlias(id))).map(({ id }) => id)
    const expires = new Date(bundle.expires).toISOString()
    return {
      data: { serial: bundle.serial, expires, technicians: bundle.technicians.length },
      warnings: [
        ...(stateOf(bundle, clock.now()) === 'expiring'
          ? [`the bundle expires at ${expires}: ask for the next one`]
          : []),
        ...(both.length > 0
          ? [`listed here and in the bundle, so that it is this file that holds: ${both.join(', ')}`]
          : []),
      ],
    }
  } finally {
    await foundation.close()
  }
}
