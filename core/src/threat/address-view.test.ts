import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAddress, formatRange, inRange, networkOf, parseAddress } from '../address.ts'
import { addressKey } from './address-key.ts'
import { createAddressView, readRange } from './address-view.ts'
import type { Block, BlockKind } from './block.ts'
import { createRangeTrie } from './range-trie.ts'

const view = (exempt: string[] = []) => createAddressView({ exempt, tracked: 1_000, seed: 5 })

function block(range: string, until: number, more: Partial<Block> = {}): Block {
  const [kind, times]: [BlockKind, object] = [
    'manual',
    { blockedAt: 0, blockedUntil: until, unblockedAt: null },
  ]
  return { id: range, range, kind, reason: '', by: 'test', autoUnblocked: false, ...times, ...more } as Block
}

/** RFC 4291, section 2.2, and RFC 5952: the ways in which one address may be written. */
const spellings = [
  ...['2001:db8:0:0:0:0:0:1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1', '2001:DB8::1'],
  ...['2001:db8:0::1', '2001:db8:0:0::1', '2001:db8:0:0:0::1', '2001:db8:0:0:0:0::1', '2001:db8::0:1'],
  ...['2001:db8::0:0:1', '2001:db8::0:0:0:1', '2001:db8::0:0:0:0:1', '2001:0db8::1', '2001:db8::01'],
  ...['2001:db8::001', '2001:db8::0001', '2001:dB8::1', '2001:Db8::1', '2001:0DB8::0001'],
  ...[
    '2001:db8::0.0.0.1',
    '2001:db8:0:0:0:0:0.0.0.1',
    '2001:db8::1%eth0',
    '2001:db8:00::1',
    '2001:db8:000:0::1',
  ],
]

describe('what is known of addresses', () => {
  it('takes 24 spellings of one address for one, and its whole /64 with it', () => {
    expect(new Set(spellings).size).toBe(24)
    const known = view()
    known.apply(block(formatRange(readRange('2001:db8::5')!), 10))
    for (const text of spellings) expect(known.find(text, 9), text).toEqual({ kind: 'manual', until: 10 })
    for (let host = 0; host < 1_000; host++)
      expect(known.find(`2001:db8::${host.toString(16)}`, 9)).not.toBeNull()
    expect(known.find('2001:db8:0:1::1', 9)).toBeNull()
  })

  it('takes two mapped IPv4 addresses for two, each the same as without the mapping', () => {
    const known = view()
    known.apply(block('198.51.100.1', 10))
    expect(known.find('::ffff:198.51.100.1', 9)).not.toBeNull()
    expect(known.find('::ffff:c633:6401', 9)).not.toBeNull()
    expect(known.find('::ffff:198.51.100.2', 9)).toBeNull()
  })

  it('lets in at the very moment that was set, whether or not anybody lifted the block', () => {
    const known = view()
    known.apply(block('198.51.100.1', 1_000))
    known.apply(block('203.0.113.0/24', 1_000))
    for (const address of ['198.51.100.1', '203.0.113.9']) {
      expect(known.find(address, 999)).not.toBeNull()
      expect(known.find(address, 1_000)).toBeNull()
    }
  })

  it('finds a wider block behind a narrower one that has run out, and a person before the guard', () => {
    const known = view()
    known.apply(block('10.0.0.0/8', 100))
    known.apply(block('10.1.0.0/16', 50))
    known.apply(block('10.1.2.3', 200, { kind: 'automatic' }))
    expect(known.find('10.1.2.3', 60)).toEqual({ kind: 'manual', until: 100 })
    expect(known.find('10.1.2.3', 150)).toEqual({ kind: 'automatic', until: 200 })
    known.apply(block('10.0.0.0/8', 100, { unblockedAt: 55 }))
    expect(known.find('10.200.0.1', 60)).toBeNull()
  })

  it.each(['127.0.0.1', '127.9.9.9', '::1', '10.0.0.5', '::ffff:10.0.0.5', '2001:db8:5::9'])(
    'never finds %s, whatever stands against it',
    (address) => {
      const known = view(['10.0.0.5', '2001:db8:5::/48'])
      for (const range of ['0.0.0.0/0', '::/0', address]) known.apply(block(range, 10))
      expect(known.find(address, 1)).toBeNull()
      expect(known.isExempt(readRange(address)!)).toBe(true)
    },
  )

  it('spares a range only where all of it is spared', () => {
    const known = view(['10.0.0.0/8'])
    expect(known.isExempt(readRange('10.1.0.0/16')!)).toBe(true)
    expect(known.isExempt(readRange('0.0.0.0/0')!)).toBe(false)
    expect(known.isExempt(readRange('11.0.0.1')!)).toBe(false)
  })
})

describe('the trie of ranges', () => {
  it('finds what a walk through the list finds', () => {
    const address = fc.oneof(
      fc.integer({ min: 0, max: 255 }).map((host) => `10.0.${host >> 4}.${host}`),
      fc.integer({ min: 0, max: 255 }).map((host) => `2001:db8:0:${host.toString(16)}::1`),
      fc.ipV4(),
      fc.ipV6(),
    )
    const range = fc
      .tuple(address, fc.integer({ min: 0, max: 64 }))
      .map(([text, bits]) => readRange(`${text}/${parseAddress(text)!.family === 4 ? bits >> 1 : bits}`)!)
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 30 }),
        fc.array(address, { maxLength: 30 }),
        (ranges, asked) => {
          const trie = createRangeTrie(ranges)
          for (const text of asked) {
            const host = parseAddress(text)!
            const found = trie.find(addressKey(text)!)
            expect(found >= 0).toBe(ranges.some((one) => inRange(host, one)))
            if (found >= 0) expect(inRange(host, ranges[found]!)).toBe(true)
          }
        },
      ),
    )
  })
})

describe('the key of an address', () => {
  it('is read as the address is, for whatever text', () => {
    const odd = [
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '256.1.1.1',
      '1.2.3.',
      '',
      '.1.2.3.4',
      '1..2.3',
      '1.2.3.4 ',
      '００.1.1.1',
    ]
    const dotted = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 })
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
      fc.constantFrom(...odd),
      dotted.map((parts) => parts.join('.')),
    )
    fc.assert(
      fc.property(text, (one) => {
        const address = parseAddress(one)
        const key = addressKey(one)
        expect(key === null).toBe(address === null)
        if (!key || !address) return
        const value = (BigInt(key.high) << 32n) | BigInt(key.low)
        const spelled =
          key.family === 4 ? { family: 4 as const, value } : { family: 6 as const, value: value << 64n }
        expect(networkOf(formatAddress(spelled))).toBe(networkOf(one))
      }),
      { numRuns: 500 },
    )
    for (const one of odd) expect(addressKey(one)).toBeNull()
  })
})
