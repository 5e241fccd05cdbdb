import { pbkdf2Sha256, type Random, SallyportError, type Store } from '@sallyport/core'
import { readKeyCommand } from './key-command.ts'
import { readKeyFile } from './key-file.ts'

/** Where the master key comes from. */
export type KeySource =
  | { from: 'file'; path: string }
  | { from: 'passphrase'; passphrase: string }
  | { from: 'command'; command: readonly string[] }

/** OWASP's figure for PBKDF2-HMAC-SHA256. Paid once at start, never for a request. */
const ITERATIONS = 600_000
const SALT = 'vault.salt'
const SALT_BYTES = 16

/** The 32 bytes that open the vault. `store` holds the salt that a passphrase is stretched with. */
export async function readMasterKey(
  source: KeySource,
  { store, random }: { store: Store; random: Random },
): Promise<Buffer> {
  switch (source.from) {
    case 'file':
      return readKeyFile(source.path)
    case 'command':
      return readKeyCommand(source.command)
    case 'passphrase':
      return stretch(source.passphrase, await findOrMakeSalt(store, random))
  }
}

function stretch(passphrase: string, salt: Buffer): Promise<Buffer> {
  if (passphrase === '') throw new SallyportError('vault_key_unreadable', 'the vault passphrase is empty')
  // Composed form, since keyboards and systems disagree on how an accented letter is spelled.
  const password = Buffer.from(passphrase.normalize('NFC'), 'utf8')
  return pbkdf2Sha256({ password, salt, iterations: ITERATIONS, length: 32 })
}

/** Of several nodes that start at once, all end with the salt that was stored first. */
async function findOrMakeSalt(store: Store, random: Random): Promise<Buffer> {
  const find = () => store.read((tx) => tx.settings.find(SALT))
  let text = await find()
  if (text === null) {
    const made = Buffer.from(random.bytes(SALT_BYTES)).toString('hex')
    await store.transaction((tx) => tx.settings.insert(SALT, made))
    text = await find()
  }
  if (!/^[0-9a-f]{32}$/.test(text ?? '')) {
    throw new SallyportError('store_damaged', `the setting "${SALT}" in the database is damaged`)
  }
  return Buffer.from(text!, 'hex')
}
