import { hash } from 'node:crypto'

/** What the technician types as the n-th: 1 to 64 bytes that no other place of the stream has. */
export function chunkOf(seed: number, n: number): Buffer {
  const digest = hash('sha512', `${seed} ${n}`, 'buffer')
  return digest.subarray(0, 1 + (digest[0]! % 64))
}
