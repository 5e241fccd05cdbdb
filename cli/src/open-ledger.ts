import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import {
  generateLedgerKey,
  type LedgerKey,
  loadLedgerKey,
  namedSecret,
  type Random,
  randomId,
  type Store,
  type Vault,
} from '@sallyport/core'

/** The ledger's key and name; `publicKeyPath` is where those who verify it elsewhere find its public key. */
export async function openLedger(context: {
  publicKeyPath: string
  publicKeyMode?: number
  store: Store
  vault: Vault
  random: Random
  notices: string[]
}): Promise<LedgerKey & { id: string }> {
  const { publicKeyPath: path, publicKeyMode: mode = 0o644, store, vault, random, notices } = context
  const make = () => generateLedgerKey(random)
  const key = loadLedgerKey(await namedSecret({ store, vault, name: 'ledger-signing-key', make }))
  const id = await findOrMakeLedgerId(store, random)
  if (!existsSync(path)) writeFileSync(path, key.publicKeyPem, { mode })
  // Never overwritten: were the database swapped, this file is what still tells.
  else if (readFileSync(path, 'utf8') !== key.publicKeyPem) {
    notices.push(
      `${path} is the key of another ledger than this database's: if you did not change databases, find out who did`,
    )
  }
  return { ...key, id }
}

async function findOrMakeLedgerId(store: Store, random: Random): Promise<string> {
  const find = () => store.read((tx) => tx.settings.find('ledger.id'))
  const found = await find()
  if (found !== null) return found
  await store.transaction((tx) => tx.settings.insert('ledger.id', randomId(random)))
  return (await find())!
}
