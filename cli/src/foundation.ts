import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createKeyFile, type KeySource, readMasterKey, requireFips } from '@sallyport/adapters'
import {
  type Clock,
  createLedgerLinker,
  type LedgerKey,
  openVault,
  type Random,
  SallyportError,
  type Store,
  systemClock,
  systemRandom,
  type Vault,
} from '@sallyport/core'
import { createPostgresStore, createSqliteStore } from '@sallyport/store'
import { type Config, dataPath, fipsRequired } from './config.ts'
import { openLedger } from './open-ledger.ts'
import { readSecretFile } from './secret-file.ts'

/** What everything else stands on: the store, the vault that opens its secrets, the ledger. */
export interface Foundation {
  config: Config
  clock: Clock
  random: Random
  store: Store
  vault: Vault
  ledger: LedgerKey & { id: string }
  /** What a person should know about how this was opened, such as a key file that was just made. */
  notices: string[]
}

/** Opens what the services stand on; what goes wrong here is named before anything is served. */
export async function openFoundation(config: Config): Promise<Foundation & { close(): Promise<void> }> {
  const clock = systemClock
  const random = systemRandom
  const notices: string[] = []
  if (fipsRequired(config)) requireFips()
  makeDataDirectory(resolve(config.data))

  const store = await openStore(config, clock)
  try {
    const masterKey = await findMasterKey({ config, store, notices })
    const vault = await openVault({ store, masterKey, clock, random })
    const ledger = await openLedger({ publicKeyPath: ledgerKeyPath(config), store, vault, random, notices })
    store.attachLedger(createLedgerLinker({ ...ledger, ledgerId: ledger.id, clock }))
    const close = async () => {
      await store.close()
      vault.destroy()
    }
    return { config, clock, random, store, vault, ledger, notices, close }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** A PostgreSQL database by its URL, or else the embedded one in the data directory. */
function openStore(config: Config, clock: Clock): Promise<Store> {
  const { url, url_file: file } = config.store
  if (url !== undefined && file !== undefined) {
    throw new SallyportError('config_invalid', 'store.url: name either store.url or store.url_file, not both')
  }
  if (url !== undefined) return createPostgresStore({ url, clock })
  if (file !== undefined) return createPostgresStore({ url: readSecretFile('store.url_file', file), clock })
  return createSqliteStore({ path: join(resolve(config.data), 'sallyport.db'), clock })
}

/** The public key that verifies this installation's ledger, for those who verify it elsewhere. */
function ledgerKeyPath(config: Config): string {
  return join(resolve(config.data), 'ledger.pub')
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (statSync(path).isDirectory()) return
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new SallyportError(
      'store_unavailable',
      `${path}: the data directory cannot be made (${reason}); name another with --data`,
      { cause },
    )
  }
  throw new SallyportError('store_unavailable', `${path}: is no directory; name another with --data`)
}

const keyFileName = 'vault.key'

/** The configured master key, or the key file in the data directory, made at the very first start. */
async function findMasterKey(context: { config: Config; store: Store; notices: string[] }): Promise<Buffer> {
  const { config, store, notices } = context
  const { key_file: keyFile, passphrase_file: passphraseFile, command } = config.vault
  const read = (source: KeySource) => readMasterKey(source, { store, random: systemRandom })
  if (passphraseFile !== undefined) {
    return read({ from: 'passphrase', passphrase: readSecretFile('vault.passphrase_file', passphraseFile) })
  }
  if (command !== undefined) return read({ from: 'command', command })
  const path = dataPath(config, keyFile ?? keyFileName)
  const settledBefore = (await store.read((tx) => tx.vaultKeys.list())).length > 0
  if (!existsSync(path) && !settledBefore) {
    const made = await createKeyFile(path)
    if (made)
      notices.push(
        `made the vault's key file ${path}; keep a copy of it elsewhere: without it no secret opens`,
      )
  }
  return read({ from: 'file', path })
}
