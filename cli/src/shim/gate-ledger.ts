import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLedgerPublicKey, SallyportError } from '@sallyport/core'
import { readSqliteStore } from '@sallyport/store'
import type { LedgerSource } from '../commands/ledger.ts'
import type { CommonOptions } from '../installation-command.ts'
import { readYaml } from '../read-yaml.ts'
import { readShimConfig } from './read-config.ts'

const defaultStorage = '/var/lib/shim'

/** Whether the options name a serial gate, by its configuration or by its storage. */
export function isGate({ config, data }: CommonOptions): boolean {
  if (data !== undefined) return existsSync(join(data, 'state', 'shim.db'))
  return config !== undefined && Object.hasOwn(readYaml(config), 'ports')
}

/** Reads a serial gate's ledger, beside the gate that writes it: neither its keys nor its vault are opened. */
export async function withGateLedger<T>(
  { config, data }: CommonOptions,
  work: (source: LedgerSource) => Promise<T>,
): Promise<T> {
  const storage = data ?? (config === undefined ? defaultStorage : readShimConfig(config).storage.dir)
  const publicKeyPem = readKey(join(storage, 'state', 'ledger.pub'))
  const store = await readSqliteStore({ path: join(storage, 'state', 'shim.db') })
  try {
    const id = await store.read((tx) => tx.settings.find('ledger.id'))
    if (id === null) throw new SallyportError('not_found', `${storage}: its ledger was never begun`)
    return await work({ store, ledger: { id, publicKey: loadLedgerPublicKey(publicKeyPem), publicKeyPem } })
  } finally {
    await store.close()
  }
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const advice =
      code === 'ENOENT'
        ? "there is no serial gate's ledger; name the gate with --config or --data"
        : "it is for the gate's own user and root"
    throw new SallyportError('not_found', `${path}: cannot be read (${code}): ${advice}`, { cause })
  }
}
