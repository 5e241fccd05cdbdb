import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSecret, encodeSecret } from './base32.ts'

/** RFC 4648, section 10. */
const vectors = [
  ['', ''],
  ['f', 'MY======'],
  ['fo', 'MZXQ===='],
  ['foo', 'MZXW6==='],
  ['foob', 'MZXW6YQ='],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI======'],
] as const

describe('Base32', () => {
  it.each(vectors)('encodes and decodes the published vector %j', (plain, encoded) => {
    expect(encodeSecret(Buffer.from(plain))).toBe(encoded.replaceAll('=', ''))
    expect(Buffer.from(decodeSecret(encoded)).toString()).toBe(plain)
  })

  it('gives back any bytes, however they were grouped and cased on the way', () => {
    const groups = fc.array(fc.constantFrom(' ', '-', ''), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100, size: 'max' }),
        groups,
        fc.boolean(),
        (bytes, between, lower) => {
          const encoded = encodeSecret(bytes)
          const copied = [...encoded].map((symbol, i) => symbol + between[i % between.length]).join('')
          expect(decodeSecret(lower ? copied.toLowerCase() : copied)).toEqual(bytes)
          expect(decodeSecret(encoded.padEnd(Math.ceil(encoded.length / 8) * 8, '='))).toEqual(bytes)
        },
      ),
    )
  })

  it.each([
    ['MZXW0YTB', 5],
    ['MZXW1', 5],
    ['8ZXW6YTB', 1],
    ['MY======MY', 9],
    ['MZXW6Y\n', 7],
    // characters whose upper case is an ASCII letter, a full-width one, and a Cyrillic look-alike
    ['\u017fY', 1],
    ['M\u0131', 2],
    ['\uff2dY', 1],
    ['M\u0423', 2],
  ])('says where %j is not Base32', (text, position) => {
    expect(() => decodeSecret(text)).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: `not Base32 at position ${position}` }),
    )
  })

  it.each(['M', 'MZX', 'MZXW6Y', 'MZXW6YTBO', 'MY======='])(
    'refuses %j, which is no whole number of bytes',
    (text) => {
      expect(() => decodeSecret(text)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    },
  )

  it('refuses a megabyte of padding', () => {
    expect(() => decodeSecret('='.repeat(1_000_000))).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })

  it('never repeats the secret in the error', () => {
    expect(() => decodeSecret('GEZDGNBVGY3TQOJQ!')).toThrow(/^((?!GEZD).)*$/)
  })
})
