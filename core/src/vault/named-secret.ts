import { SallyportError } from '../errors.ts'
import type { Store } from '../store.ts'
import type { Vault } from './vault.ts'

/** The subject that named secrets are sealed for; the purpose is their name. Stores list them so. */
const INSTALLATION = 'installation'

/**
 * A secret of the installation itself, such as the ledger's signing key: found, or made once. It stays
 * the same when keys rotate. Nodes that make it at the same moment all get the one that was stored.
 */
export async function namedSecret(options: {
  store: Store
  vault: Vault
  name: string
  make: () => Uint8Array
}): Promise<Uint8Array> {
  const { store, vault, name, make } = options
  const find = () => store.read((tx) => tx.secrets.find(name))
  let sealed = await find()
  if (!sealed) {
    const made = vault.seal({ subject: INSTALLATION, purpose: name, plaintext: make() })
    await store.transaction((tx) => tx.secrets.insert(name, made))
    sealed = await find()
  }
  if (!sealed) throw new SallyportError('store_damaged', `the secret "${name}" was stored and is not there`)
  return vault.open({ subject: INSTALLATION, purpose: name, sealed })
}
