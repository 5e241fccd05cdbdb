import { hash } from 'node:crypto'
import type { Random } from '../clock.ts'

export interface FirstLines {
  /** The line that claimed `text` before, or `null` for the one that is now the first. */
  claim(text: string, line: number): number | null
}

const words = 3

/**
 * Remembers on which line each of millions of texts came first, in some 25 bytes a text whatever its length:
 * 64 bits of a hash under a key of its own, so that nobody can prepare two texts that look the same.
 */
export function createFirstLines(random: Random): FirstLines {
  const key = Buffer.from(random.bytes(16))
  // two words of the hash and the line, one after another; no line is number 0, which means free
  let slots = new Uint32Array(words * 1024)
  let used = 0

  function claim(text: string, line: number): number | null {
    if (used * 2 > slots.length / words) grow()
    const digest = hash('sha256', Buffer.concat([key, Buffer.from(text)]), 'buffer')
    const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)]
    const at = find(slots, high, low)
    if (slots[at + 2] !== 0) return slots[at + 2]!
    slots.set([high, low, line], at)
    used++
    return null
  }

  function grow(): void {
    const old = slots
    slots = new Uint32Array(old.length * 2)
    for (let from = 0; from < old.length; from += words) {
      if (old[from + 2] === 0) continue
      slots.set(old.subarray(from, from + words), find(slots, old[from]!, old[from + 1]!))
    }
  }

  return { claim }
}

/** Where the pair is, or else the free slot for it. */
function find(slots: Uint32Array, high: number, low: number): number {
  const count = slots.length / words
  for (let slot = low & (count - 1); ; slot = (slot + 1) & (count - 1)) {
    const at = slot * words
    if (slots[at + 2] === 0 || (slots[at] === high && slots[at + 1] === low)) return at
  }
}
