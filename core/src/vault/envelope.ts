import type { Random } from '../clock.ts'
import { aesGcmOpen, aesGcmSeal, NONCE_BYTES } from './aes-gcm.ts'
import { hkdfSha256 } from './kdf.ts'

/**
 * The bytes of everything the vault seals:
 *
 *     version 1 | salt 16 | nonce 12 | ciphertext | tag 16
 *
 * The salt gives each envelope an AES key of its own, by HKDF, so the number of envelopes under one
 * ring key is not bounded by what GCM bears of random nonces under one key.
 */
const VERSION = 1
const SALT_BYTES = 16
const SALT_AT = 1
const NONCE_AT = SALT_AT + SALT_BYTES
const TEXT_AT = NONCE_AT + NONCE_BYTES

const INFO = Buffer.from('sallyport vault 1')

/** Whose secret it is and what for. Opening needs the same two. */
export interface Binding {
  subject: string
  purpose: string
}

export function sealEnvelope(
  options: Binding & { key: Uint8Array; plaintext: Uint8Array; random: Random },
): Buffer {
  const { key, plaintext, random } = options
  const fresh = random.bytes(SALT_BYTES + NONCE_BYTES)
  const head = Buffer.concat([Buffer.of(VERSION), fresh])
  const own = ownKey(key, head)
  const nonce = head.subarray(NONCE_AT, TEXT_AT)
  const sealed = aesGcmSeal({ key: own, nonce, aad: associatedData(options), plaintext })
  own.fill(0)
  return Buffer.concat([head, sealed])
}

/** The plaintext, or `null` when this is not, byte for byte, what was sealed under that key and binding. */
export function openEnvelope(options: Binding & { key: Uint8Array; bytes: Uint8Array }): Buffer | null {
  const { key, bytes } = options
  if (bytes.length < TEXT_AT || bytes[0] !== VERSION) return null
  const own = ownKey(key, bytes)
  const nonce = bytes.subarray(NONCE_AT, TEXT_AT)
  const plaintext = aesGcmOpen({
    key: own,
    nonce,
    aad: associatedData(options),
    sealed: bytes.subarray(TEXT_AT),
  })
  own.fill(0)
  return plaintext
}

function ownKey(key: Uint8Array, envelope: Uint8Array): Buffer {
  return hkdfSha256({ ikm: key, salt: envelope.subarray(SALT_AT, NONCE_AT), info: INFO, length: 32 })
}

/**
 * Each part with its length before it, so that no two bindings give the same bytes. In UTF-16, because
 * UTF-8 turns every lone surrogate into the same replacement character.
 */
function associatedData({ subject, purpose }: Binding): Buffer {
  const bytes = Buffer.allocUnsafe(9 + 2 * (purpose.length + subject.length))
  bytes[0] = VERSION
  let at = 1
  for (const part of [purpose, subject]) {
    at = bytes.writeUInt32BE(part.length, at)
    at += bytes.write(part, at, 'utf16le')
  }
  return bytes
}
