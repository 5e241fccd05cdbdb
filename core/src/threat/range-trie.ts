import type { AddressRange } from '../address.ts'
import { type AddressKey, keyOf, keyPrefix } from './address-key.ts'

export interface RangeTrie {
  /** The widest of the ranges around the address that is wanted, by its place in the list; -1 for none. */
  find(key: AddressKey, wanted?: (index: number) => boolean): number
}

const roots = { 4: 0, 6: 1 } as const
const any = () => true

/** Ranges as paths of bits, two branches a node, in one typed array. Made anew when the list changes. */
export function createRangeTrie(ranges: readonly AddressRange[]): RangeTrie {
  const longest = ranges.reduce((sum, range) => sum + keyPrefix(range), 2)
  // Three numbers a node: its branches by the next bit, and the range that ends there, counted from one.
  let nodes = new Int32Array(3 * longest)
  let count = 2
  for (const [index, range] of ranges.entries()) {
    const key = keyOf(range)
    const [skip, until] = [skipped(key), skipped(key) + keyPrefix(range)]
    let node: number = roots[key.family]
    for (let bit = skip; bit < until; bit++) {
      const branch = 3 * node + bitOf(key, bit)
      if (nodes[branch] === 0) nodes[branch] = count++
      node = nodes[branch]!
    }
    // Of equal ranges the first one stands.
    nodes[3 * node + 2] ||= index + 1
  }
  nodes = nodes.slice(0, 3 * count)

  return {
    find(key, wanted = any) {
      let node: number = roots[key.family]
      for (let bit = skipped(key); ; bit++) {
        const index = nodes[3 * node + 2]! - 1
        if (index >= 0 && wanted(index)) return index
        if (bit === 64) return -1
        node = nodes[3 * node + bitOf(key, bit)]!
        if (node === 0) return -1
      }
    },
  }
}

/** An IPv4 address is the last 32 of a key's 64 bits. */
function skipped({ family }: AddressKey): number {
  return family === 4 ? 32 : 0
}

function bitOf({ high, low }: AddressKey, bit: number): 0 | 1 {
  return (bit < 32 ? (high >>> (31 - bit)) & 1 : (low >>> (63 - bit)) & 1) as 0 | 1
}
