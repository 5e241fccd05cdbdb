import { describe, expect, it } from 'vitest'
import { readYubikeyRow } from './import-row.ts'

const key = 'ecde18dbe76fbd0c33330f1c354871db'
const row = (more: object = {}) => ({
  row: {
    publicId: 'dlcfffckrcde',
    serial: '4711',
    secret: Buffer.from(`ca62baca62ba${key}`, 'hex'),
    ...more,
  },
})

describe('a line of a log', () => {
  // yubikey-ksm, doc/Key_Provisioning_Format
  it.each([
    [`4711,dlcfffckrcde,ca62baca62ba,${key},be70aeca62ba,2009-01-22 00:25:11,`, {}],
    [`4711,dlcfffckrcde,ca62baca62ba,${key},,,,4711 # comment`, {}],
    [`,DLCFFFCKRCDE,CA62BACA62BA,${key.toUpperCase()},,`, { serial: null }],
    [
      `Yubico OTP,12/6/2011 2:52 PM,1,dlcfffckrcde,ca62baca62ba,${key},,,0,0,0,0,0,0,0,0,0,0\r`,
      { serial: null },
    ],
    [`"4711","dlcfffckrcde","ca 62 ba ca 62 ba","${key}"`, {}],
  ])('%s is read', (line, more) => expect(readYubikeyRow(line)).toEqual(row(more)))

  it.each(['', '  \r', '# ykksm 1', '# the end'])('%j is passed over', (line) => {
    expect(readYubikeyRow(line)).toBeNull()
  })

  it.each([
    ['OATH-HOTP,12/6/2011 2:52 PM,1,,,0123', 'no Yubico OTP'],
    ['Yubico OTP,12/6/2011,1,dlcfffckrcde', 'too few fields'],
    ['4711', 'too few fields'],
    [`4711,,ca62baca62ba,${key}`, 'public id'],
    [`4711,dlcfffckrcdedlcf,ca62baca62ba,${key}`, 'public id'],
    [`4711,alcfffckrcde,ca62baca62ba,${key}`, 'public id'],
    [`4711,dlcfffckrcde,ca62baca62b,${key}`, 'private id'],
    [`4711,dlcfffckrcde,ca62baca62ba,${key}${key}`, 'AES key'],
    [`4711,dlcfffckrcde,ca62baca62ba,${key.replace('e', 'g')}`, 'AES key'],
    [`=cmd,dlcfffckrcde,ca62baca62ba,${key}`, 'begins with neither'],
    ['x'.repeat(1 << 20), 'no Yubico OTP'],
  ])('%.40s is refused, without a word of what it holds', (line, reason) => {
    const read = readYubikeyRow(line) as { fault: string }
    expect(read.fault).toContain(reason)
    expect(read.fault).not.toMatch(/ecde18|ca62ba|dlcfff/)
  })
})
