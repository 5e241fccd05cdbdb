import { type Clock, type Random, randomInteger } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Store } from '../store.ts'
import type { Vault } from '../vault/vault.ts'
import { clientBinding } from './validation-server.ts'

const keyBytes = 20

/** Lets another program have OTPs validated here. `key`, in base64, is shown this once. */
export async function addValidationClient(
  { name, actor }: { name: string; actor: string },
  context: { store: Store; vault: Vault; clock: Clock; random: Random },
): Promise<{ id: string; name: string; key: string }> {
  const { store, vault, clock, random } = context
  // Nine digits: some clients keep the id in 32 bits.
  const id = String(100_000_000 + randomInteger(random, 900_000_000))
  const key = random.bytes(keyBytes)
  const at = clock.now()
  const sealed = vault.seal({ ...clientBinding(id), plaintext: key })
  await store.transaction(async (tx) => {
    if (!(await tx.validationClients.insert({ id, name, sealed, createdAt: at }))) {
      throw new SallyportError('store_conflict', `the id ${id} that was drawn is taken: try again`)
    }
    tx.ledger.append({ type: 'validation_client.added', at, actor, data: { client: id, name } })
  })
  return { id, name, key: Buffer.from(key).toString('base64') }
}

export function removeValidationClient(
  { id, actor }: { id: string; actor: string },
  { store, clock }: { store: Store; clock: Clock },
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const removed = await tx.validationClients.remove(id)
    const data = { client: id }
    if (removed) tx.ledger.append({ type: 'validation_client.removed', at: clock.now(), actor, data })
    return removed
  })
}
