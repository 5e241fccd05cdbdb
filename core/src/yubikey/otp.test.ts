import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { detectMethod } from '../factors/shape.ts'
import { decodeModhex, encodeModhex } from './modhex.ts'
import { crc16, openBlock, parseOtp, spendOf } from './otp.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

describe('modhex', () => {
  // yubico-c, tests/selftest.c; python-yubiotp, modhex.py
  it.each([
    ['74657374', 'ifhgieif'],
    ['0123456789abcdef', 'cbdefghijklnrtuv'],
    ['69b6481c8baba2b60e8f22179b58cd56', 'hknhfjbrjnlnldnhcujvddbikngjrtgh'],
    ['', ''],
  ])('spells %s as %s', (bytes, letters) => {
    expect(encodeModhex(hex(bytes))).toBe(letters)
    expect(decodeModhex(letters)).toEqual(hex(bytes))
    expect(decodeModhex(letters.toUpperCase())).toEqual(hex(bytes))
  })

  it.each(['c', 'cbdef0ghijklnrtuvv', 'ca', 'c b', 'ſt', '\u212ac', 'cc\n'])(
    'reads nothing in %j',
    (text) => {
      expect(decodeModhex(text)).toBeNull()
    },
  )
})

describe('CRC-16 of ISO/IEC 13239', () => {
  // yubico-c, tests/selftest.c
  it.each([
    ['0001020304', 62919],
    ['fe', 4470],
    ['55aa00ff', 52149],
    ['010203040506307500093dfa60ea', 35339],
    // python-yubiotp, crc.py: the residue
    ['8792ebfe26cc130030c20011c89f23c8', 0xf0b8],
  ])('of %s is %i', (bytes, crc) => expect(crc16(hex(bytes))).toBe(crc))
})

describe('an OTP', () => {
  const count = '000102030405060708090a0b0c0d0e0f'
  // yubico-c, tests/selftest.c: private id, AES key, what is typed, usage counter, timestamp, session use
  const vectors = [
    ['010203040506', count, 'dvgtiblfkbgturecfllberrvkinnctnn', 1, 0x010001, 1],
    ['010203040506', count, 'rnibcnfhdninbrdebccrndfhjgnhftee', 1, 0x010001, 2],
    ['010203040506', count, 'iikkijbdknrrdhfdrjltvgrbkkjblcbh', 0xfff, 0x010001, 1],
    ['888888888888', '88'.repeat(16), 'dcihgvrhjeucvrinhdfddbjhfjftjdei', 0x888, 0x888888, 0x88],
    ['000000000000', '00'.repeat(16), 'kkkncjnvcnenkjvjgncjihljiibgbhbh', 0, 0, 0],
    [
      '33c69e7f249e',
      'c44228906530' + '76cde73d449b191b416a',
      'iucvrkjiegbhidrcicvlgrcgkgurhjnj',
      1,
      0x2413a7,
      0,
    ],
  ] as const

  it.each(vectors)('of %s, %s opens', (id, key, text, usageCounter, timestamp, sessionUse) => {
    const block = decodeModhex(text)!
    expect(openBlock(block, hex(id + key))).toEqual({ usageCounter, timestamp, sessionUse })
    expect(openBlock(block, hex(`ff${id.slice(2)}${key}`))).toBeNull()
    expect(openBlock(block, hex(`${id}fe${key.slice(2)}`))).toBeNull()
  })

  it('is refused with any bit of it changed', () => {
    const [id, key, text] = vectors[5]
    for (let bit = 0; bit < 128; bit++) {
      const block = decodeModhex(text)!
      block[bit >> 3]! ^= 1 << (bit & 7)
      expect(openBlock(block, hex(id + key))).toBeNull()
    }
  })

  it('is refused with the right private id and a wrong checksum, and the other way round', () => {
    const key = hex(count)
    const encrypt = (plain: Buffer) => {
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
      return Buffer.concat([cipher.update(plain), cipher.final()])
    }
    // python-yubiotp, crc.py
    const plain = hex('8792ebfe26cc130030c20011c89f23c8')
    const opened = (block: Buffer, id: string) => openBlock(block, hex(id + count))
    expect(opened(encrypt(plain), '8792ebfe26cc')).toEqual({
      ...{ usageCounter: 0x13, timestamp: 0x00c230, sessionUse: 0x11 },
    })
    plain[15]! ^= 1
    expect(opened(encrypt(plain), '8792ebfe26cc')).toBeNull()
    plain[15]! ^= 1
    expect(opened(encrypt(plain), '8792ebfe26cd')).toBeNull()
  })

  it('has 44 letters of modhex in either case, and one spelling', () => {
    const text = 'cccccckdvvuldvgtiblfkbgturecfllberrvkinnctnn'
    const otp = parseOtp(text)!
    expect(otp).toMatchObject({ text, publicId: 'cccccckdvvul', block: decodeModhex(text.slice(12)) })
    expect(parseOtp(text.toUpperCase())).toEqual(otp)
    expect(spendOf(parseOtp(text.toUpperCase())!)).toEqual(spendOf(otp))
    for (const wrong of [
      text.slice(2),
      `cc${text}`,
      ` ${text.slice(1)}`,
      `${text}\n`,
      text.replace('k', '\u212a'),
    ])
      expect(parseOtp(wrong), wrong).toBeNull()
    for (const wild of [null, undefined, 7, {}, [text], { length: 44 }, text.repeat(30_000)])
      expect(parseOtp(wild)).toBeNull()
    expect(detectMethod(text)).toBe('yubikey')
  })
})
