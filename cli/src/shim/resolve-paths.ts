import { dirname, resolve } from 'node:path'
import { isBundleKeyInline, type ShimConfig } from '@sallyport/gate-serial'

/** Relative paths begin at the file that they stand in, wherever the command is called. */
export function resolvePaths(config: ShimConfig, file: string): ShimConfig {
  const from = dirname(resolve(file))
  const at = (path: string) => (path.includes('://') ? path : resolve(from, path))
  const maybe = (path: string | undefined) => (path === undefined ? undefined : at(path))
  // A program's bare name is looked for in PATH.
  const command = (words: string[] | undefined) =>
    words?.map((word, index) => (index === 0 && word.includes('/') ? at(word) : word))
  const { ports, vault, integrity, storage, siem, tamper, directory } = config
  return {
    ...config,
    ports: ports.map(({ technician, device, ...port }) => ({
      ...port,
      technician: { ...technician, path: at(technician.path) },
      device: { ...device, path: at(device.path) },
    })),
    vault: vault === 'off' ? vault : { key_file: maybe(vault.key_file), command: command(vault.command) },
    integrity: { command: command(integrity.command) },
    storage: {
      ...storage,
      dir: at(storage.dir),
      auditor_keys: storage.auditor_keys.map((key) => (isKeyFile(key) ? at(key) : key)),
    },
    siem: siem && {
      ...siem,
      address: siem.transport === 'file' ? at(siem.address) : siem.address,
      token_file: maybe(siem.token_file),
      tls: {
        ca_file: maybe(siem.tls.ca_file),
        cert_file: maybe(siem.tls.cert_file),
        key_file: maybe(siem.tls.key_file),
      },
    },
    tamper: { ...tamper, sensors: tamper.sensors.map((one) => ({ ...one, path: maybe(one.path) })) },
    directory: directory && {
      bundle: at(directory.bundle),
      public_key: isBundleKeyInline(directory.public_key) ? directory.public_key : at(directory.public_key),
    },
  }
}

/** An auditor's key stands in place, or in a file whose path begins so. */
export function isKeyFile(written: string): boolean {
  return written.startsWith('/') || written.startsWith('.')
}
