import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const TAG_BYTES = 16
export const NONCE_BYTES = 12

interface Context {
  /** 32 bytes. */
  key: Uint8Array
  /** 12 bytes, the one length that GCM uses as it is (NIST SP 800-38D, 5.2.1.1). Never used twice. */
  nonce: Uint8Array
  /** What is authenticated beside the text, without being part of it. */
  aad: Uint8Array
}

/** AES-256-GCM: the ciphertext followed by its 16-byte tag. */
export function aesGcmSeal({ key, nonce, aad, plaintext }: Context & { plaintext: Uint8Array }): Buffer {
  requireNonce(nonce)
  // A key object first: given raw bytes, Node looks the key up in a way that takes ten times as long.
  const cipher = createCipheriv(ALGORITHM, createSecretKey(key), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** The plaintext, or `null` when any bit of key, nonce, associated data, ciphertext or tag is another. */
export function aesGcmOpen({ key, nonce, aad, sealed }: Context & { sealed: Uint8Array }): Buffer | null {
  requireNonce(nonce)
  if (sealed.length < TAG_BYTES) return null
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(ALGORITHM, createSecretKey(key), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plaintext = decipher.update(sealed.subarray(0, tagAt))
  try {
    decipher.final()
    return plaintext
  } catch {
    // Until the tag is checked these bytes are an attacker's; nobody may see them.
    plaintext.fill(0)
    return null
  }
}

function requireNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES)
    throw new RangeError(`a nonce has ${NONCE_BYTES} bytes, not ${nonce.length}`)
}
