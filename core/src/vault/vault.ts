import { type Clock, type Random, randomId } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { SealedSecret, Store, WrappedKey } from '../store.ts'
import { type Binding, openEnvelope, sealEnvelope } from './envelope.ts'

const KEY_BYTES = 32
const MINUTE = 60_000

/** A vault in use reads the ring again when what it knows is older than this. */
const REREAD_AFTER = MINUTE

/**
 * A vault that has not read the ring for so long does not seal: the key it believes active may be on its
 * way out. `RETIRE_AFTER` leaves the rest of the week for what was sealed to reach the database.
 */
export const SEAL_LEASE = 24 * 60 * MINUTE

export interface Vault {
  /** The ring key that new secrets are sealed under. */
  readonly activeKeyId: string
  seal(secret: Binding & { plaintext: Uint8Array }): SealedSecret
  /**
   * The plaintext of exactly what was sealed for that subject and purpose. May read the store (a key that
   * another node added), so it is not for use inside a transaction.
   */
  open(secret: Binding & { sealed: SealedSecret }): Promise<Uint8Array>
  /** Reads the ring again. A node that may idle for a day calls this now and then. */
  reload(): Promise<void>
  /** A fresh ring key, wrapped under the master key. It seals nothing until it is stored and read back. */
  newRingKey(): WrappedKey
  /** Overwrites every key in memory. The vault is of no use afterwards. */
  destroy(): void
}

export interface VaultOptions {
  store: Store
  /** 32 bytes; copied, so the caller may overwrite its own. */
  masterKey: Uint8Array
  clock: Clock
  random: Random
}

/** Opens the vault of a store, making its first ring key if it has none. A wrong master key is found here. */
export async function openVault({ store, masterKey, clock, random }: VaultOptions): Promise<Vault> {
  if (masterKey.length !== KEY_BYTES) {
    throw new SallyportError('invalid_input', `a master key has ${KEY_BYTES} bytes, not ${masterKey.length}`)
  }
  const master = Buffer.from(masterKey)
  const keys = new Map<string, Buffer>()
  let activeKeyId = ''
  let readAt = 0
  let reading: Promise<void> | null = null
  let destroyed = false

  function newRingKey(): WrappedKey {
    const key = Buffer.from(random.bytes(KEY_BYTES))
    const id = randomId(random).slice(0, 8)
    const wrapped = sealEnvelope({ ...ringBinding(id), key: master, plaintext: key, random })
    key.fill(0)
    return { id, wrapped, status: 'active', createdAt: clock.now(), retiredAt: null }
  }

  async function read(): Promise<void> {
    const since = clock.now()
    const rows = await store.read((tx) => tx.vaultKeys.list())
    if (destroyed) return
    const active = rows.find((row) => row.status === 'active')
    if (!active) throw new SallyportError('store_damaged', 'the database holds no active vault key')
    const opened = unwrapAll(rows, master)
    for (const key of keys.values()) key.fill(0)
    keys.clear()
    for (const [id, key] of opened) keys.set(id, key)
    activeKeyId = active.id
    readAt = since
  }

  function reload(): Promise<void> {
    reading ??= read().finally(() => {
      reading = null
    })
    return reading
  }

  const age = () => Math.abs(clock.now() - readAt)

  function rereadWhenOld(): void {
    // In the background, and a failure waits for the next time: what is known still opens what it opened.
    if (!reading && age() > REREAD_AFTER) reload().catch(() => {})
  }

  async function learnKey(id: string): Promise<void> {
    // A reading that was already under way may have begun before the key was stored; the second did not.
    for (let attempt = 0; attempt < 2 && !keys.has(id); attempt++) await reload()
  }

  function requireUsable(): void {
    if (destroyed) throw new SallyportError('vault_key_unknown', 'the vault is closed')
  }

  await makeFirstKey(store, newRingKey)
  await reload()

  return {
    get activeKeyId() {
      return activeKeyId
    },
    seal({ subject, purpose, plaintext }) {
      requireUsable()
      rereadWhenOld()
      if (age() > SEAL_LEASE) {
        throw new SallyportError('store_unavailable', 'the vault has not read its keys for a day; try again')
      }
      const bytes = sealEnvelope({ subject, purpose, plaintext, key: keys.get(activeKeyId)!, random })
      return { keyId: activeKeyId, bytes }
    },
    async open({ subject, purpose, sealed }) {
      requireUsable()
      rereadWhenOld()
      if (!keys.has(sealed.keyId)) await learnKey(sealed.keyId)
      const key = keys.get(sealed.keyId)
      if (!key) throw new SallyportError('vault_key_unknown', `the vault has no key "${sealed.keyId}"`)
      const plaintext = openEnvelope({ subject, purpose, key, bytes: sealed.bytes })
      if (plaintext) return plaintext
      throw new SallyportError(
        'vault_sealed_damaged',
        `the sealed "${purpose}" secret of "${subject}" does not open: it was altered or belongs elsewhere`,
      )
    },
    reload,
    newRingKey,
    destroy() {
      destroyed = true
      master.fill(0)
      for (const key of keys.values()) key.fill(0)
      keys.clear()
    },
  }
}

const ringBinding = (id: string): Binding => ({ subject: id, purpose: 'ring key' })

/**
 * Of several nodes that start on an empty database, one makes the first key: the name of the setting is
 * unique there, whatever the isolation. The others find that key when they read the ring.
 */
async function makeFirstKey(store: Store, newRingKey: () => WrappedKey): Promise<void> {
  const existing = await store.read((tx) => tx.vaultKeys.list())
  if (existing.length > 0) return
  const first = newRingKey()
  await store.transaction(async (tx) => {
    if (!(await tx.settings.insert('vault.first_key', first.id))) return
    if (await tx.vaultKeys.insert(first)) return
    throw new SallyportError('store_conflict', 'the first vault key could not be stored')
  })
}

function unwrapAll(rows: readonly WrappedKey[], master: Uint8Array): Map<string, Buffer> {
  const opened = new Map<string, Buffer>()
  const failed: string[] = []
  for (const { id, wrapped } of rows) {
    if (!wrapped) continue
    const key = openEnvelope({ ...ringBinding(id), key: master, bytes: wrapped })
    if (key?.length === KEY_BYTES) opened.set(id, key)
    else failed.push(id)
  }
  if (failed.length === 0) return opened
  for (const key of opened.values()) key.fill(0)
  if (opened.size === 0) {
    throw new SallyportError(
      'vault_wrong_key',
      'the master key does not open the vault of this database: check that the key file, passphrase or ' +
        'key command is the one this database was set up with, and that the database is the right one',
    )
  }
  throw new SallyportError('vault_sealed_damaged', `vault keys damaged in the database: ${failed.join(', ')}`)
}
