import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { hkdfSha256, type Random } from '@sallyport/core'

const KEY_BYTES = 32

/** RFC 8410 §7 and §4: the PKCS #8 and SPKI wrappings of an X25519 key, up to its 32 bytes. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex')
const ONE_LINE = /^x25519:([A-Za-z0-9_-]{43})$/

/** A new private key as PKCS #8 bytes. RFC 7748 §6.1: 32 random octets. */
export function newX25519Bytes(random: Random): Buffer {
  return Buffer.concat([PKCS8_X25519, random.bytes(KEY_BYTES)])
}

export function loadX25519Private(pkcs8: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
}

export function newX25519(random: Random): KeyObject {
  return loadX25519Private(newX25519Bytes(random))
}

/** Of either half of a pair. */
export function rawX25519(key: KeyObject): Buffer {
  const spki = (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })
  return spki.subarray(SPKI_X25519.length)
}

export function x25519Of(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_X25519, raw]), format: 'der', type: 'spki' })
}

/** The public half on one line. */
export function x25519Text(key: KeyObject): string {
  return `x25519:${rawX25519(key).toString('base64url')}`
}

/** Takes the one-line form and PEM; `null` for anything else. */
export function parseX25519(text: string): KeyObject | null {
  const raw = ONE_LINE.exec(text.trim())?.[1]
  return asX25519(() =>
    raw === undefined
      ? createPublicKey({ key: text, format: 'pem', type: 'spki' })
      : x25519Of(Buffer.from(raw, 'base64url')),
  )
}

export function asX25519(load: () => KeyObject): KeyObject | null {
  try {
    const key = load()
    return key.asymmetricKeyType === 'x25519' ? key : null
  } catch {
    return null
  }
}

/**
 * X25519 (RFC 7748), then HKDF (RFC 5869) over both public keys, so that the key is of this pair alone, and
 * for this purpose. Throws for a public key of low order.
 */
export function agreeX25519(keys: {
  own: KeyObject
  other: KeyObject
  ephemeral: KeyObject
  recipient: KeyObject
  purpose: string
}): Buffer {
  const shared = diffieHellman({ privateKey: keys.own, publicKey: keys.other })
  const salt = Buffer.concat([rawX25519(keys.ephemeral), rawX25519(keys.recipient)])
  return hkdfSha256({ ikm: shared, salt, info: Buffer.from(keys.purpose), length: KEY_BYTES })
}
