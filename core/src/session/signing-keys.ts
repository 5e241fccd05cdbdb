import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Store } from '../store.ts'
import { hkdfSha256 } from '../vault/kdf.ts'
import { namedSecret } from '../vault/named-secret.ts'
import type { Vault } from '../vault/vault.ts'

/** One signing key; `kid` names it in tokens and in the published set. */
export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
  /** Authenticates what only these nodes read: the tokens of half-finished sign-ins. */
  pendingKey: Uint8Array
}

export interface SigningKeys {
  /** What signs now; made at first need. A new one takes over every thirty days. */
  current(): Promise<SigningKey>
  /** A key that may have signed a token still in force, whichever node made it; `null` for any other name. */
  find(kid: string): Promise<SigningKey | null>
  /** The keys that verify: the one in use, and the one before it. */
  published(): Promise<SigningKey[]>
}

const period = 30 * 24 * 60 * 60_000
const prefix = 'token-key-'
const pendingLabel = Buffer.from('sallyport pending token v1')

/** Keys are named by the month they serve, so that every node finds the same one without being told. */
export function createSigningKeys(options: { store: Store; vault: Vault; clock: Clock }): SigningKeys {
  const { store, vault, clock } = options
  const loaded = new Map<string, SigningKey>()
  const month = () => Math.floor(clock.now() / period)

  async function load(kid: string): Promise<SigningKey> {
    const known = loaded.get(kid)
    if (known) return known
    const key = readKey(kid, await namedSecret({ store, vault, name: kid, make: makeKey }))
    loaded.set(kid, key)
    return key
  }

  async function find(kid: string): Promise<SigningKey | null> {
    const known = loaded.get(kid)
    if (known) return known
    // Names from elsewhere are looked up, never made; and only those that can still matter.
    const near = [month() - 1, month(), month() + 1].map((index) => `${prefix}${index}`)
    if (!near.includes(kid) || !(await store.read((tx) => tx.secrets.find(kid)))) return null
    return load(kid)
  }

  return {
    current: () => load(`${prefix}${month()}`),
    find,
    async published() {
      const current = await load(`${prefix}${month()}`)
      const others = await Promise.all([month() - 1, month() + 1].map((index) => find(`${prefix}${index}`)))
      return [current, ...others.filter((key) => key !== null)]
    },
  }
}

function makeKey(): Uint8Array {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'der' })
}

function readKey(kid: string, pkcs8: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const pendingKey = hkdfSha256({ ikm: pkcs8, salt: new Uint8Array(), info: pendingLabel, length: 32 })
  return { kid, privateKey, publicKey: createPublicKey(privateKey), pendingKey }
}
