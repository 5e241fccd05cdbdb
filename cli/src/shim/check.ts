import { print, style } from '../output.ts'
import { readShimConfig } from './read-config.ts'

/** What `sallyport shim check` does: says that the file can be used, or every reason why not. */
export function checkCommand({ config: file, json = false }: { config: string; json?: boolean }): void {
  const { device, ports, technicians, vault, storage } = readShimConfig(file)
  const without = technicians.filter(({ factors }) => factors.length === 0).map(({ id }) => id)
  const warnings = [
    ...(vault === 'off' ? ['vault: off is for trials: secrets may stand in the clear'] : []),
    ...(storage.auditor_keys.length === 0
      ? ['no storage.auditor_keys: recordings are signed, but not sealed']
      : []),
    ...(without.length > 0 ? [`without a factor, and so unable to pass: ${without.join(', ')}`] : []),
  ]
  print({
    json,
    data: {
      valid: true,
      device: device.id,
      ports: ports.map(({ id }) => id),
      technicians: technicians.length,
      warnings,
    },
    text: () =>
      [
        `${style.green('valid')}: ${file}: device ${device.id}, ${ports.length} port(s), ${technicians.length} technician(s)`,
        ...warnings.map((warning) => style.yellow(`note: ${warning}`)),
      ].join('\n'),
  })
}
