import { hash } from 'node:crypto'

export type OtpAlgorithm = 'SHA1' | 'SHA256' | 'SHA512'

interface OtpOptions {
  secret: Uint8Array
  algorithm: OtpAlgorithm
  digits: number
}

// HMAC's padded keys, laid out here for one call at a time and wiped after it: nothing below awaits.
const pads = {
  SHA1: { name: 'sha1', block: 64, inner: Buffer.alloc(64 + 8), outer: Buffer.alloc(64 + 20) },
  SHA256: { name: 'sha256', block: 64, inner: Buffer.alloc(64 + 8), outer: Buffer.alloc(64 + 32) },
  SHA512: { name: 'sha512', block: 128, inner: Buffer.alloc(128 + 8), outer: Buffer.alloc(128 + 64) },
} as const

/** The code of a counter: RFC 4226, section 5.3. */
export function hotp({ secret, counter, algorithm, digits }: OtpOptions & { counter: number }): string {
  if (!Number.isSafeInteger(counter) || counter < 0) throw new RangeError(`not a counter: ${counter}`)
  const [bits] = truncatedMacs({ secret, algorithm, first: counter, last: counter })
  return String(bits! % 10 ** digits).padStart(digits, '0')
}

/** The code at a moment, in milliseconds since the epoch: RFC 6238, section 4.2. */
export function totp({ at, period, ...options }: OtpOptions & { at: number; period: number }): string {
  return hotp({ ...options, counter: timeStep(at, period) })
}

export function timeStep(at: number, period: number): number {
  return Math.floor(at / (period * 1000))
}

/**
 * The time step whose code this is, among those at most `window` steps from `now` and above `after`; or
 * `null`. Should several steps have this very code, the newest answers: once it is spent, so are the others.
 *
 * A hit costs what a miss costs: every candidate is computed, and compared as one number, before any answer.
 */
export function matchTotp(
  options: OtpOptions & { code: string; now: number; period: number; window: number; after: number | null },
): number | null {
  const { secret, algorithm, code, digits, window } = options
  if (!wellFormedCode(code, digits)) return null
  const current = timeStep(options.now, options.period)
  const first = Math.max(0, current - window)
  const candidates = truncatedMacs({ secret, algorithm, first, last: current + window })
  const wanted = Number(code)
  const after = options.after ?? -1
  let matched = -1
  for (let i = 0; i < candidates.length; i++) {
    const same = Number(candidates[i]! % 10 ** digits === wanted)
    const fresh = Number(first + i > after)
    matched += (first + i - matched) * same * fresh
  }
  return matched < 0 ? null : matched
}

/** Whether this is a string of exactly `digits` ASCII digits: the only form a code has on the wire. */
export function wellFormedCode(input: unknown, digits: number): input is string {
  return typeof input === 'string' && input.length === digits && /^[0-9]+$/.test(input)
}

/**
 * The 31 bits that each counter's code is made of (RFC 4226, section 5.3), from `first` to `last`.
 *
 * This is HMAC (RFC 2104) spelled out: the key is laid out once for all counters, and one-shot hashes that
 * answer in strings are many times as fast in Node as `createHmac`.
 */
function truncatedMacs(options: {
  secret: Uint8Array
  algorithm: OtpAlgorithm
  first: number
  last: number
}): number[] {
  const { name, block, inner, outer } = pads[options.algorithm]
  const key = options.secret.length > block ? hash(name, options.secret, 'buffer') : options.secret
  inner.fill(0x36)
  outer.fill(0x5c)
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!
    outer[i]! ^= key[i]!
  }
  const macs: number[] = []
  for (let counter = options.first; counter <= options.last; counter++) {
    inner.writeUInt32BE(Math.floor(counter / 0x1_0000_0000), block)
    inner.writeUInt32BE(counter >>> 0, block + 4)
    outer.write(hash(name, inner, 'binary'), block, 'binary')
    macs.push(truncate(hash(name, outer, 'binary')))
  }
  inner.fill(0)
  outer.fill(0)
  return macs
}

/** Four bytes of the MAC, found by the last half-byte, without the sign bit. */
function truncate(mac: string): number {
  const at = mac.charCodeAt(mac.length - 1) & 0x0f
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => mac.charCodeAt(at + i)) as [number, number, number, number]
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d
}
