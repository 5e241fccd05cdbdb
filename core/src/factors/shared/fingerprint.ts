import { hash } from 'node:crypto'

/**
 * A name for a shared secret that gives nothing of it away: 128 bits of SHA-256, in hex.
 *
 * HMAC pads its key with zeros (RFC 2104), so a secret with zeros at its end makes the codes of the one
 * without. They are one secret, and what is spent for one is spent for the other.
 */
export function fingerprint(secret: Uint8Array): string {
  let end = secret.length
  while (end > 0 && secret[end - 1] === 0) end--
  const named = Buffer.concat([Buffer.from('sallyport secret fingerprint\0'), secret.subarray(0, end)])
  return hash('sha256', named, 'hex').slice(0, 32)
}
