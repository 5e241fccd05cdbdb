import type { Clock } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Resealable, SealedRow, Store, Tx } from '../store.ts'
import { SEAL_LEASE, type Vault } from './vault.ts'

/** Names the key of a rotation that has begun and not ended. */
const ROTATION = 'vault.rotation'

/**
 * A node that has not heard of the new key may go on sealing under the old one for `SEAL_LEASE`, and what
 * it sealed takes a while to be written. So an old key is destroyed only when nothing is sealed under it
 * *and* the active key has been so for far longer than that.
 */
export const RETIRE_AFTER = 7 * SEAL_LEASE

/** Every port that holds sealed secrets, for a rotation of the whole installation. */
export function sealedPorts(tx: Tx): Resealable[] {
  const keys = [tx.yubikeys, tx.validationClients]
  return [tx.enrolments, tx.secrets, tx.challenges, tx.outbox, ...keys, tx.bundles]
}

export interface RotationProgress {
  done: number
  total: number
}

export interface RotationResult {
  /** The key that everything is now sealed under. */
  keyId: string
  /** True when this went on with a rotation that had been interrupted. */
  resumed: boolean
  resealed: number
  /** Rows that do not open, left as they are. Their key cannot retire. */
  unreadable: string[]
  /** Old keys destroyed on this occasion. */
  retired: string[]
}

export interface RotationOptions {
  store: Store
  vault: Vault
  clock: Clock
  /** Every port that holds sealed secrets, always in the same order. */
  resealables: (tx: Tx) => readonly Resealable[]
  /** Rows a transaction. */
  batch?: number
  onProgress?: (progress: RotationProgress) => void
}

/**
 * Adds a ring key and seals every secret anew under it, batch by batch, while nodes go on working: they
 * learn the key when they meet it. Killed at any moment, the next call goes on with the same rotation.
 */
export async function rotateKeys(options: RotationOptions): Promise<RotationResult> {
  const { store, vault, clock, resealables, batch = 100, onProgress = () => {} } = options
  const retired = await retireUnusedKeys({ store, clock, resealables })
  const resumed = await beginRotation(store, vault)
  await vault.reload()

  const ports = await store.read(async (tx) => resealables(tx).length)
  const total = await store.read((tx) => countSealedUnderOthers(tx, resealables(tx), vault.activeKeyId))
  let done = 0
  onProgress({ done, total })
  const unreadable: string[] = []
  for (let port = 0; port < ports; port++) {
    const skip = new Set<string>()
    for (;;) {
      // There is no cursor: rows that were sealed anew are gone from the answer, unreadable ones are not.
      // The active key is asked for each time, since a later rotation may have begun elsewhere.
      const others = { keyId: vault.activeKeyId, limit: batch + skip.size }
      const listed = await store.read((tx) =>
        resealables(tx)[port]!.sealedUnderOtherKeys(others.keyId, others.limit),
      )
      const rows = listed.filter((row) => !skip.has(row.id))
      if (rows.length === 0) break
      const fresh = await sealAnew(vault, rows)
      for (const row of rows) if (!fresh.has(row)) skip.add(row.id)
      done += await store.transaction((tx) => replaceAll(resealables(tx)[port]!, fresh))
      onProgress({ done, total: Math.max(done, total) })
    }
    unreadable.push(...skip)
  }
  const keyId = vault.activeKeyId
  await store.transaction(async (tx) => {
    if ((await tx.settings.find(ROTATION)) === keyId) await tx.settings.put(ROTATION, '')
  })
  return { keyId, resumed, resealed: done, unreadable, retired }
}

/** Destroys old ring keys that nothing needs any more, and answers which. Cheap; for a periodic job too. */
export async function retireUnusedKeys(
  options: Pick<RotationOptions, 'store' | 'clock' | 'resealables'>,
): Promise<string[]> {
  const { store, clock, resealables } = options
  const now = clock.now()
  return store.transaction(async (tx) => {
    const keys = await tx.vaultKeys.list()
    const active = keys.find((key) => key.status === 'active')
    if (!active || now - active.createdAt < RETIRE_AFTER) return []
    const retired: string[] = []
    for (const { id, status } of keys) {
      if (status !== 'retiring' || (await countSealedUnder(resealables(tx), id)) > 0) continue
      if (await tx.vaultKeys.setStatus(id, 'retiring', 'retired', now)) retired.push(id)
    }
    return retired
  })
}

/** Makes the next key active, unless a rotation is under way: then answers `true`. */
function beginRotation(store: Store, vault: Vault): Promise<boolean> {
  const next = vault.newRingKey()
  return store.transaction(async (tx) => {
    if (await tx.settings.find(ROTATION)) return true
    const active = (await tx.vaultKeys.list()).find((key) => key.status === 'active')
    if (!active) throw new SallyportError('store_damaged', 'the database holds no active vault key')
    // One conditional write decides between two rotations that begin at once.
    if (!(await tx.vaultKeys.setStatus(active.id, 'active', 'retiring', next.createdAt))) return true
    if (!(await tx.vaultKeys.insert(next))) {
      throw new SallyportError('store_conflict', 'the new vault key could not be stored')
    }
    await tx.settings.put(ROTATION, next.id)
    return false
  })
}

/** What each row that opens is to become. */
async function sealAnew(
  vault: Vault,
  rows: readonly SealedRow[],
): Promise<Map<SealedRow, SealedRow['sealed']>> {
  const fresh = new Map<SealedRow, SealedRow['sealed']>()
  for (const row of rows) {
    try {
      const plaintext = await vault.open(row)
      fresh.set(row, vault.seal({ subject: row.subject, purpose: row.purpose, plaintext }))
      plaintext.fill(0)
    } catch (error) {
      if (!isUnreadable(error)) throw error
    }
  }
  return fresh
}

function isUnreadable(error: unknown): boolean {
  const code = error instanceof SallyportError && error.code
  return code === 'vault_sealed_damaged' || code === 'vault_key_unknown'
}

async function replaceAll(port: Resealable, fresh: Map<SealedRow, SealedRow['sealed']>): Promise<number> {
  let replaced = 0
  for (const [{ id, sealed }, anew] of fresh) if (await port.reseal(id, sealed.keyId, anew)) replaced++
  return replaced
}

async function countSealedUnderOthers(tx: Tx, ports: readonly Resealable[], keyId: string): Promise<number> {
  let count = 0
  for (const { id } of await tx.vaultKeys.list()) if (id !== keyId) count += await countSealedUnder(ports, id)
  return count
}

async function countSealedUnder(ports: readonly Resealable[], keyId: string): Promise<number> {
  let count = 0
  for (const port of ports) count += await port.countSealedUnder(keyId)
  return count
}
