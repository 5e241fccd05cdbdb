import type { AddressKey } from './address-key.ts'

/** A count and a time for each of many addresses, in typed arrays: 20 bytes a place. */
export interface AddressTable {
  /** The place of an address, good until the next change; -1 when it is not there. */
  find(key: AddressKey): number
  count(place: number): number
  time(place: number): number
  /** Adds or replaces. At the most entries, the one of the neighbourhood with the earliest time goes. */
  set(key: AddressKey, entry: { count: number; time: number }): void
  delete(key: AddressKey): void
  readonly size: number
  /** Memory held, in bytes. */
  readonly bytes: number
}

const used = 0x8000_0000
const isV6 = 0x4000_0000
const mostCount = 0x3fff_ffff
/** Fuller than this it grows; then half of it is empty again. */
const fullest = 0.75
const growth = 1.5
const neighbourhood = 16

/**
 * Open addressing with linear probing; what is deleted leaves no grave, since those behind it move up. The
 * seed is random: whoever picks addresses cannot make them collide.
 */
export function createAddressTable(options: { most: number; seed: number }): AddressTable {
  const { most, seed } = options
  let capacity = 1024
  let high = new Uint32Array(capacity)
  let low = new Uint32Array(capacity)
  let meta = new Uint32Array(capacity)
  let times = new Float64Array(capacity)
  let size = 0

  function home(h: number, l: number, tag: number): number {
    let mixed = Math.imul(h ^ seed ^ tag, 0x9e37_79b1)
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ l, 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    return (((mixed ^ (mixed >>> 16)) >>> 0) * (capacity / 2 ** 32)) | 0
  }

  const after = (place: number) => (place + 1 === capacity ? 0 : place + 1)
  const tagOf = (word: number) => word & isV6

  /** Where the address is, or the empty place where it would go. */
  function locate(key: AddressKey): number {
    const tag = key.family === 6 ? isV6 : 0
    let place = home(key.high, key.low, tag)
    for (;;) {
      const word = meta[place]!
      if (word === 0) return place
      if (low[place] === key.low && high[place] === key.high && tagOf(word) === tag) return place
      place = after(place)
    }
  }

  function put(place: number, from: { h: number; l: number; word: number; time: number }): void {
    high[place] = from.h
    low[place] = from.l
    meta[place] = from.word
    times[place] = from.time
  }

  function copy(from: number, to: number): void {
    put(to, { h: high[from]!, l: low[from]!, word: meta[from]!, time: times[from]! })
  }

  function remove(place: number): void {
    let hole = place
    for (let next = after(hole); meta[next] !== 0; next = after(next)) {
      const wanted = home(high[next]!, low[next]!, tagOf(meta[next]!))
      const distance = (from: number) => (next - from + capacity) % capacity
      if (distance(wanted) < distance(hole)) continue
      copy(next, hole)
      hole = next
    }
    meta[hole] = 0
    size--
  }

  function grow(): void {
    const old = { high, low, meta, times }
    capacity = Math.ceil(capacity * growth)
    high = new Uint32Array(capacity)
    low = new Uint32Array(capacity)
    meta = new Uint32Array(capacity)
    times = new Float64Array(capacity)
    for (let from = 0; from < old.meta.length; from++) {
      const word = old.meta[from]!
      if (word === 0) continue
      let place = home(old.high[from]!, old.low[from]!, tagOf(word))
      while (meta[place] !== 0) place = after(place)
      put(place, { h: old.high[from]!, l: old.low[from]!, word, time: old.times[from]! })
    }
  }

  function evictNear(place: number): void {
    let oldest = -1
    for (let seen = 0, at = place; seen < neighbourhood && seen < size; at = after(at)) {
      if (meta[at] === 0) continue
      if (oldest < 0 || times[at]! < times[oldest]!) oldest = at
      seen++
    }
    remove(oldest)
  }

  return {
    find(key) {
      const place = locate(key)
      return meta[place] === 0 ? -1 : place
    },
    count: (place) => meta[place]! & mostCount,
    time: (place) => times[place]!,
    set(key, { count, time }) {
      let place = locate(key)
      if (meta[place] === 0) {
        if (size >= most) evictNear(place)
        else if (size + 1 > capacity * fullest) grow()
        place = locate(key)
        size++
      }
      const word = (used | (key.family === 6 ? isV6 : 0) | Math.min(count, mostCount)) >>> 0
      put(place, { h: key.high, l: key.low, word, time })
    },
    delete(key) {
      const place = locate(key)
      if (meta[place] !== 0) remove(place)
    },
    get size() {
      return size
    },
    get bytes() {
      return capacity * 20
    },
  }
}
