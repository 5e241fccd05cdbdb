import { pbkdf2 } from 'node:crypto'
import { hmac } from '../hmac.ts'

const HASH_BYTES = 32

/** HKDF (RFC 5869) with SHA-256, several times as fast as `hkdfSync` for the lengths used here. */
export function hkdfSha256(options: {
  ikm: Uint8Array
  salt: Uint8Array
  info: Uint8Array
  length: number
}): Buffer {
  const { ikm, salt, info, length } = options
  if (length > 255 * HASH_BYTES) throw new RangeError('HKDF-SHA256 yields at most 8160 bytes (RFC 5869, 2.3)')
  const extracted = hmac('sha256', salt, ikm)
  const expanded = Buffer.alloc(Math.ceil(length / HASH_BYTES) * HASH_BYTES)
  let block: Uint8Array = new Uint8Array()
  for (let at = 0; at < length; at += HASH_BYTES) {
    block = hmac('sha256', extracted, Buffer.concat([block, info, Buffer.of(at / HASH_BYTES + 1)]))
    expanded.set(block, at)
  }
  extracted.fill(0)
  return expanded.subarray(0, length)
}

/** PBKDF2 (RFC 8018) with HMAC-SHA-256, computed off the event loop. */
export function pbkdf2Sha256(options: {
  password: Uint8Array
  salt: Uint8Array
  iterations: number
  length: number
}): Promise<Buffer> {
  const { password, salt, iterations, length } = options
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, length, 'sha256', (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
