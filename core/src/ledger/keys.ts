import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'

/** The ledger's key pair, ready for use. `publicKeyPem` is what an auditor is given. */
export interface LedgerKey {
  privateKey: KeyObject
  publicKey: KeyObject
  publicKeyPem: string
}

/** RFC 8410 §7: the PKCS #8 wrapping of an Ed25519 private key, up to its 32 bytes. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A new signing key as PKCS #8 bytes, to be sealed by the vault. RFC 8032 §5.1.5: 32 random octets. */
export function generateLedgerKey(random: Random): Uint8Array {
  return Buffer.concat([PKCS8_ED25519, random.bytes(32)])
}

export function loadLedgerKey(pkcs8: Uint8Array): LedgerKey {
  const der = { key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' } as const
  const privateKey = ed25519(() => createPrivateKey(der))
  if (privateKey === null) throw new SallyportError('invalid_input', 'not an Ed25519 private key')
  const publicKey = createPublicKey(privateKey)
  return { privateKey, publicKey, publicKeyPem: ledgerKeyPem(publicKey) }
}

export function loadLedgerPublicKey(pem: string): KeyObject {
  const publicKey = tryLedgerPublicKey(pem)
  if (publicKey === null) throw new SallyportError('invalid_input', 'not an Ed25519 public key')
  return publicKey
}

/** `null` for a text that holds no such key. */
export function tryLedgerPublicKey(pem: string): KeyObject | null {
  return ed25519(() => createPublicKey({ key: pem, format: 'pem', type: 'spki' }))
}

export function ledgerKeyPem(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

function ed25519(load: () => KeyObject): KeyObject | null {
  try {
    const key = load()
    return key.asymmetricKeyType === 'ed25519' ? key : null
  } catch {
    return null
  }
}
