import type { KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyFile, readMasterKey } from '@sallyport/adapters'
import {
  type Clock,
  createBackupFactor,
  createLedgerLinker,
  createSelfHostedValidator,
  createTotpFactor,
  createYubikeyFactor,
  type Factor,
  openVault,
  type Random,
  SallyportError,
  type Store,
  systemClock,
  systemRandom,
  type Vault,
} from '@sallyport/core'
import {
  createRecorder,
  type DirectorySource,
  openBundleKey,
  openSigningKey,
  parseAuditorKey,
  type Recorder,
  type ShimConfig,
  systemTimers,
} from '@sallyport/gate-serial'
import { createSqliteStore } from '@sallyport/store'
import { openLedger } from '../open-ledger.ts'
import { readDirectoryKey, stateDirectory } from './read-config.ts'
import { isKeyFile } from './resolve-paths.ts'

/** What the gate and its commands stand on, opened from its own directory. */
export interface ShimFoundation {
  clock: Clock
  random: Random
  store: Store
  vault: Vault
  factors: Factor[]
  recorder: Recorder
  /** Signs recordings and heartbeats. */
  signingKey: KeyObject
  /** Where technicians come from whom the configuration does not list. */
  directory: DirectorySource | null
  notices: string[]
  close(): Promise<void>
}

export async function openShim(config: ShimConfig): Promise<ShimFoundation> {
  const [clock, random, notices] = [systemClock, systemRandom, [] as string[]]
  const directory = config.storage.dir
  const state = stateDirectory(config)
  refuseOtherUser(config)
  makeDirectories([
    directory,
    ...['sessions', 'heartbeats', 'alerts', 'state'].map((name) => join(directory, name)),
  ])
  const store = await createSqliteStore({ path: join(state, 'shim.db'), clock })
  try {
    const masterKey = await readKey(config, { state, store, notices })
    const vault = await openVault({ store, masterKey, clock, random })
    const ledger = await openLedger({
      publicKeyPath: join(state, 'ledger.pub'),
      publicKeyMode: 0o600,
      store,
      vault,
      random,
      notices,
    })
    store.attachLedger(createLedgerLinker({ ...ledger, ledgerId: ledger.id, clock }))
    const auditorKeys = config.storage.auditor_keys.map(readAuditorKey)
    if (auditorKeys.length === 0)
      notices.push('no storage.auditor_keys: recordings are signed, but not sealed')
    const { min_free: minFree, max_total: maxTotal, retention } = config.storage
    const signingKey = openSigningKey(state, random)
    const recorder = createRecorder({
      ...{ dir: join(directory, 'sessions'), signingKey, auditorKeys, random },
      ...{ clock: { ...clock, monotonic: systemTimers.monotonic }, limits: { minFree, maxTotal, retention } },
    })
    const validator = createSelfHostedValidator({ store, vault })
    const factors = [
      createTotpFactor({ window: config.totp.window }),
      createBackupFactor(),
      createYubikeyFactor({ validator }),
    ]
    const source = config.directory && {
      bundle: config.directory.bundle,
      publicKey: readDirectoryKey(config.directory),
      privateKey: await openBundleKey({ store, vault, random }),
    }
    const close = async () => {
      await store.close()
      vault.destroy()
    }
    return { clock, random, store, vault, factors, recorder, signingKey, directory: source, notices, close }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Files that root leaves in the gate's directory would shut the gate itself out. */
function refuseOtherUser({ storage }: Pick<ShimConfig, 'storage'>): void {
  const owner = statSync(storage.dir, { throwIfNoEntry: false })?.uid
  if (owner === undefined || owner === process.geteuid?.()) return
  const message = `${storage.dir} belongs to user ${owner}: run this as that user, with \`sudo -u '#${owner}' …\`, so that the gate can read what is made`
  throw new SallyportError('invalid_input', message)
}

function makeDirectories(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      const message = `storage.dir: ${path} cannot be made (${code}); name another, or make it for this user`
      throw new SallyportError('store_unavailable', message, { cause })
    }
  }
}

/** The configured key, or one made in the state directory at the first start. `vault: off` has that one too: the gate's own keys are never in the clear. */
async function readKey(
  { vault }: ShimConfig,
  { state, store, notices }: { state: string; store: Store; notices: string[] },
): Promise<Buffer> {
  const source = { store, random: systemRandom }
  if (vault !== 'off' && vault.command)
    return readMasterKey({ from: 'command', command: vault.command }, source)
  const named = vault === 'off' ? undefined : vault.key_file
  const path = named ?? join(state, 'vault.key')
  const begun = (await store.read((tx) => tx.vaultKeys.list())).length > 0
  if (!begun && !existsSync(path) && (await createKeyFile(path))) {
    notices.push(`made the vault's key file ${path}; whoever has it and the database has the secrets`)
  }
  return readMasterKey({ from: 'file', path }, source)
}

/** An auditor's public key: the line that `recording keygen` prints, PEM, or a file that holds either. */
export function readAuditorKey(written: string, index: number): KeyObject {
  try {
    return parseAuditorKey(isKeyFile(written) ? readFileSync(written, 'utf8') : written)
  } catch (cause) {
    const fault = { path: `storage.auditor_keys[${index}]`, message: (cause as Error).message }
    throw new SallyportError('config_invalid', `${fault.path}: ${fault.message}`, { faults: [fault], cause })
  }
}
