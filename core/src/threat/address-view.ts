import { type AddressRange, inRange, parseRange } from '../address.ts'
import { type AddressKey, addressKey, keyOf, keyPrefix } from './address-key.ts'
import { type AddressTable, createAddressTable } from './address-table.ts'
import type { Block, BlockKind } from './block.ts'
import { createRangeTrie, type RangeTrie } from './range-trie.ts'

/** A block in force, as a request meets it. */
export interface BlockInForce {
  kind: BlockKind
  until: number
}

export interface AddressView {
  /** Asked at every request: memory only. */
  find(address: string, now: number): BlockInForce | null
  /** Whether all of the range is loopback, a trusted proxy, or on the allow-list: never blocked. */
  isExempt(range: AddressRange): boolean
  /** Takes up a block as it is stored now, ended or not. */
  apply(block: Block): void
  /** Failed sign-ins of late, by network. The oldest make room for new ones; blocks never do. */
  readonly failures: AddressTable
  /** How many addresses and ranges are blocked. */
  readonly size: number
}

export interface AddressViewOptions {
  /** Addresses and ranges that are never blocked, besides loopback. */
  exempt: readonly string[]
  /** How many failing addresses are kept in mind. */
  tracked: number
  seed: number
}

const loopback = ['127.0.0.0/8', '::1']

/** What this process knows of addresses, so that no request waits for the database to be let in. */
export function createAddressView({ exempt, tracked, seed }: AddressViewOptions): AddressView {
  const spared = [...loopback, ...exempt].flatMap((text) => readRange(text) ?? [])
  const sparedTrie = createRangeTrie(spared)
  const single = {
    manual: createAddressTable({ most: Number.POSITIVE_INFINITY, seed }),
    automatic: createAddressTable({ most: Number.POSITIVE_INFINITY, seed }),
  }
  const failures = createAddressTable({ most: tracked, seed })
  /** Wider than one network: few, and made by people. */
  const wide = new Map<string, { range: AddressRange; until: number }>()
  let wideList: { range: AddressRange; until: number }[] = []
  let wideTrie: RangeTrie | null = createRangeTrie([])

  function find(address: string, now: number): BlockInForce | null {
    if (single.manual.size + single.automatic.size + wide.size === 0) return null
    const key = addressKey(address)
    if (!key) return null
    const found = findKey(key, now)
    return found && sparedTrie.find(key) < 0 ? found : null
  }

  function findKey(key: AddressKey, now: number): BlockInForce | null {
    const manual = timeOf(single.manual, key)
    if (now < manual) return { kind: 'manual', until: manual }
    if (!wideTrie) {
      wideList = [...wide.values()]
      wideTrie = createRangeTrie(wideList.map(({ range }) => range))
    }
    const index = wideTrie.find(key, (at) => now < wideList[at]!.until)
    if (index >= 0) return { kind: 'manual', until: wideList[index]!.until }
    const automatic = timeOf(single.automatic, key)
    return now < automatic ? { kind: 'automatic', until: automatic } : null
  }

  function apply({ range: text, kind, blockedUntil, unblockedAt }: Block): void {
    const range = readRange(text)
    if (!range) return
    if (keyPrefix(range) === (range.family === 4 ? 32 : 64)) {
      if (unblockedAt === null) single[kind].set(keyOf(range), { count: 1, time: blockedUntil })
      else single[kind].delete(keyOf(range))
      return
    }
    if (unblockedAt === null) wide.set(text, { range, until: blockedUntil })
    else wide.delete(text)
    wideTrie = null
  }

  return {
    find,
    apply,
    isExempt: (range) => spared.some((one) => one.prefix <= range.prefix && inRange(range, one)),
    failures,
    get size() {
      return single.manual.size + single.automatic.size + wide.size
    },
  }
}

function timeOf(table: AddressTable, key: AddressKey): number {
  const place = table.find(key)
  return place < 0 ? 0 : table.time(place)
}

/** A range as it is blocked and spared: of IPv6 the /64 at least, which is one host. */
export function readRange(text: string): AddressRange | null {
  const range = parseRange(text)
  if (range?.family !== 6 || range.prefix <= 64) return range
  return { family: 6, value: (range.value >> 64n) << 64n, prefix: 64 }
}
