import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AddressKey } from './address-key.ts'
import { createAddressTable } from './address-table.ts'

const key = (n: number, family: 4 | 6 = 4): AddressKey => ({
  family,
  high: family === 4 ? 0 : n >>> 16,
  low: n,
})

describe('the table of addresses', () => {
  it('holds what a map holds, whatever is set and deleted in whichever order', () => {
    const change = fc.record({
      low: fc.integer({ min: 0, max: 40 }),
      family: fc.constantFrom<4 | 6>(4, 6),
      time: fc.integer({ min: 0, max: 1e9 }),
      count: fc.option(fc.integer({ min: 0, max: 100 })),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), fc.integer(), (changes, seed) => {
        const table = createAddressTable({ most: 1e6, seed })
        const map = new Map<string, { count: number; time: number }>()
        for (const { low, family, time, count } of changes) {
          if (count === null) table.delete(key(low, family))
          else table.set(key(low, family), { count, time })
          if (count === null) map.delete(`${family} ${low}`)
          else map.set(`${family} ${low}`, { count, time })
        }
        expect(table.size).toBe(map.size)
        for (let low = 0; low <= 40; low++) {
          for (const family of [4, 6] as const) {
            const place = table.find(key(low, family))
            const found = place < 0 ? undefined : { count: table.count(place), time: table.time(place) }
            expect(found).toEqual(map.get(`${family} ${low}`))
          }
        }
      }),
    )
  })

  it('takes at most 60 bytes an address, at whichever size above a few thousand', () => {
    const table = createAddressTable({ most: 1e6, seed: 7 })
    let dearest = 0
    for (let n = 0; n < 200_000; n++) {
      table.set(key(n * 7919), { count: 1, time: n })
      if (n > 2_000) dearest = Math.max(dearest, table.bytes / table.size)
    }
    expect(table.size).toBe(200_000)
    expect(dearest).toBeLessThanOrEqual(60)
  })

  it('lets old ones go when it is full, and never the one that just came', () => {
    const table = createAddressTable({ most: 5_000, seed: 1 })
    for (let n = 0; n < 20_000; n++) {
      table.set(key(n), { count: n, time: n })
      expect(table.size).toBeLessThanOrEqual(5_000)
      expect(table.count(table.find(key(n)))).toBe(n)
    }
    let young = 0
    for (let n = 17_500; n < 20_000; n++) if (table.find(key(n)) >= 0) young++
    // Not strictly the oldest goes, but one of the oldest nearby.
    expect(young).toBeGreaterThan(1_800)
    let old = 0
    for (let n = 0; n < 5_000; n++) if (table.find(key(n)) >= 0) old++
    expect(old).toBeLessThan(250)
  })
})
