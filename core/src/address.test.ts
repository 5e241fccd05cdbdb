import { BlockList, isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAddress, formatRange, inRange, parseAddress, parseRange } from './address.ts'

const spell = (text: string) => {
  const address = parseAddress(text)
  return address && formatAddress(address)
}
const within = (address: string, range: string) => inRange(parseAddress(address)!, parseRange(range)!)

describe('parseAddress and formatAddress', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::00A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['10:0:0:10::', '10:0:0:10::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['::203.0.113.7', '::cb00:7107'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (text, canonical) => {
    expect(spell(text)).toBe(canonical)
    expect(spell(canonical)).toBe(canonical)
  })

  it.each([
    '',
    ' ',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '0x1.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4%eth0',
    '1..3.4',
    '１.2.3.4',
    '3405803783',
    ':',
    ':::',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    '::g',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1.2.3',
    '[::1]',
    '::1/64',
    'fe80::1%',
    'fe80::1%a b',
    '::1\n',
    '1'.repeat(1 << 20),
    `::${'0'.repeat(1 << 20)}1`,
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeNull()
  })

  it('agrees with the platform on what an address is, and round-trips each', () => {
    const near = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(...'0123456789abf:.'), maxLength: 24 }),
    )
    fc.assert(
      fc.property(near, (text) => {
        const address = parseAddress(text)
        expect(address !== null).toBe(isIPv4(text) || isIPv6(text))
        if (address) expect(parseAddress(formatAddress(address))).toEqual(address)
      }),
      { numRuns: 3000, seed: 20261107 },
    )
  })
})

describe('ranges', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7/32', '203.0.113.7'],
    ['2001:DB8::1/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['::1', '::1'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
  ])('%s is %s', (text, canonical) => {
    expect(formatRange(parseRange(text)!)).toBe(canonical)
  })

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10/8',
    '::/129',
    'fe80::%eth0/64',
    '/8',
    '10.0.0.0 /8',
    'any',
    '*',
    `10.0.0.0/${'1'.repeat(1 << 20)}`,
  ])('refuses %j', (text) => {
    expect(parseRange(text)).toBeNull()
  })

  it('knows what lies inside', () => {
    expect(within('10.255.255.255', '10.0.0.0/8')).toBe(true)
    expect(within('11.0.0.0', '10.0.0.0/8')).toBe(false)
    expect(within('::ffff:10.1.2.3', '10.0.0.0/8')).toBe(true)
    expect(within('10.1.2.3', '::ffff:10.0.0.0/104')).toBe(true)
    expect(within('2001:db8:ffff::1', '2001:db8::/32')).toBe(true)
    expect(within('2001:db9::', '2001:db8::/32')).toBe(false)
    expect(within('10.1.2.3', '::/0')).toBe(false)
    expect(within('::1', '0.0.0.0/0')).toBe(false)
  })

  it('agrees with the platform about what lies inside', () => {
    const v4 = fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }))
    const v6 = fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }))
    fc.assert(
      fc.property(fc.oneof(v4, v6), ([address, base, prefix]) => {
        const family = isIPv4(base) ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(base, prefix, family)
        expect(within(address, `${base}/${prefix}`)).toBe(list.check(address, family))
        expect(within(base, `${base}/${prefix}`)).toBe(true)
      }),
      { numRuns: 500, seed: 20261107 },
    )
  })
})
