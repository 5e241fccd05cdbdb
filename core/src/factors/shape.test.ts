import { describe, expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { generateBackupCodes } from './backup.ts'
import { detectMethod } from './shape.ts'

describe('detectMethod', () => {
  it.each([
    ['123456', 'totp'],
    ['1234567', 'totp'],
    ['12345678', 'totp'],
    ['ABCD-2345', 'backup'],
    ['abcd2345', 'backup'],
    ['ABCD-EFGH-JKLMN', 'backup'],
    ['abcdefghjklmn', 'backup'],
    ['cccccccbcjdifctrndncchkftchjlnbhvhtugdljibej', 'yubikey'],
    ['CCCCCCCBCJDIFCTRNDNCCHKFTCHJLNBHVHTUGDLJIBEJ', 'yubikey'],
  ])('takes %j for %s', (input, method) => {
    expect(detectMethod(input)).toBe(method)
  })

  it.each([
    '',
    '12345',
    '123456789',
    '123 456',
    '123456\n',
    '１２３４５６',
    'ABCD-234',
    'ABCD--2345',
    'ABC-D2345',
    'ABCD-0O1I',
    'ABCD-2345-',
    'a'.repeat(44),
    'c'.repeat(43),
    'c'.repeat(45),
    '\u212a'.repeat(44),
  ])('takes %j for nothing', (input) => {
    expect(detectMethod(input)).toBeNull()
  })

  it('takes a megabyte for nothing', () => {
    expect(detectMethod('1'.repeat(1_000_000))).toBeNull()
  })

  it.each(['short', 'long'] as const)('knows every %s backup code, typed either way', (format) => {
    for (const code of generateBackupCodes({ random: systemRandom, format, count: 500 })) {
      expect([code, code.replaceAll('-', '').toLowerCase()].map(detectMethod)).toEqual(['backup', 'backup'])
    }
  })
})
