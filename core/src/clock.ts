import { randomBytes } from 'node:crypto'

/** Wall time in milliseconds since the epoch. The only way the core learns what time it is. */
export interface Clock {
  now(): number
}

/** The only way the core draws randomness; must be cryptographically secure outside tests. */
export interface Random {
  bytes(length: number): Uint8Array
}

export const systemClock: Clock = { now: () => Date.now() }

export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/**
 * A uniform integer in [0, bound). Draws are rejected rather than folded, so no value is favoured
 * whatever the bound (folding `2^32 mod bound` would favour the small ones).
 */
export function randomInteger(random: Random, bound: number): number {
  if (!Number.isSafeInteger(bound) || bound < 1 || bound > 0x1_0000_0000) {
    throw new RangeError(`bound must be an integer from 1 to 2^32, got ${bound}`)
  }
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound)
  for (;;) {
    const bytes = random.bytes(4)
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
    if (value < limit) return value % bound
  }
}

/**
 * An identifier that begins with the time, in digits that sort as they count: what is stored by it lies beside
 * what was stored a moment ago. For what there will be very many of, and whose age is no secret.
 */
export function timedId(now: number, random: Random): string {
  return `${now.toString(32).padStart(9, '0')}${Buffer.from(random.bytes(10)).toString('base64url')}`
}

/** A random identifier of 128 bits in base64url, safe in URLs, file names and logs. */
export function randomId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('base64url')
}
