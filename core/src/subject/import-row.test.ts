import { describe, expect, it } from 'vitest'
import { readUser } from './import-row.ts'

const now = Date.parse('2026-11-09T12:00:00Z')
const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const read = (fields: Record<string, unknown>, scheme: 'argon2id' | 'pbkdf2-sha256' = 'argon2id') =>
  readUser({ email: 'ada@example.org', ...fields }, { now, scheme })
const faults = (fields: Record<string, unknown>) => read(fields).faults.map(({ path }) => path)

describe('a row of an import', () => {
  it('needs an address and nothing more', () => {
    expect(read({})).toEqual({
      user: {
        ...{ email: 'ada@example.org', role: 'user', company: null, extension: null, emailVerified: true },
        ...{ passwordHash: null, seeds: [], enrolledAt: null },
      },
      faults: [],
      warnings: [],
    })
    expect(faults({ email: '' })).toEqual(['email'])
    expect(read({ company: '  ', extension: '', totp: null }).user).toEqual(read({}).user)
  })

  it('takes seeds in Base32 and as URIs, several parted by semicolons or in a list', () => {
    const uri = `otpauth://totp/Old:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA256&digits=8&period=60`
    const both = read({ totp: `${seed.toLowerCase()}; ${uri}`, totp_name: 'Phone' }).user.seeds
    expect(both.map(({ name, settings }) => ({ name, ...settings }))).toEqual([
      { name: 'Phone', algorithm: 'SHA1', digits: 6, period: 30 },
      { name: 'Phone 2', algorithm: 'SHA256', digits: 8, period: 60 },
    ])
    expect(read({ totp: [seed, uri] }).user.seeds.map(({ secret }) => secret)).toEqual(
      both.map(({ secret }) => secret),
    )
  })

  it('takes a seed of 80 bits with a warning, and none that is shorter', () => {
    expect(read({ totp: seed }).warnings).toEqual([])
    expect(read({ totp: 'JBSWY3DPEHPK3PXP' })).toMatchObject({
      faults: [],
      warnings: [{ path: 'totp', message: 'the seed has 80 bits; 128 are the least for a new one' }],
    })
    expect(faults({ totp: 'JBSWY3DPEHPK3P' })).toEqual(['totp'])
    expect(faults({ totp: 'otpauth://totp/x?secret=JBSWY3DPEHPK3P' })).toEqual(['totp'])
  })

  it.each<[string, Record<string, unknown>]>([
    ['email', { email: 'ada' }],
    ['email', { email: 'a@b\u0000.org' }],
    ['email', { email: 7 }],
    ['email', { email: `${'a'.repeat(1 << 20)}@b.org` }],
    ['role', { role: 'super user' }],
    ['company', { company: 'a\u0007b' }],
    ['extension', { extension: '\u200b' }],
    ['extension', { extension: 1001 }],
    ['password_hash', { password_hash: 'hunter2hunter2' }],
    ['totp', { totp: 'not base32!' }],
    ['totp', { totp: `${seed};${seed}` }],
    ['totp', { totp: [seed, 7] }],
    ['totp', { totp: { secret: seed } }],
    ['totp', { totp: 'otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ&counter=1' }],
    ['totp', { totp: `otpauth://totp/x?secret=${seed}&digits=10` }],
    ['totp', { totp: Array(11).fill(seed) }],
    ['totp_name', { totp_name: 'x'.repeat(61) }],
    ['mfa_enrolled_at', { mfa_enrolled_at: '2024-01-01' }],
    ['mfa_enrolled_at', { totp: seed, mfa_enrolled_at: '01/02/2024' }],
    ['mfa_enrolled_at', { totp: seed, mfa_enrolled_at: '2026-11-10' }],
    ['email_verified', { email_verified: 'maybe' }],
    ['picture', { picture: '' }],
  ])('is refused for its %s', (path, fields) => {
    expect(faults(fields)).toEqual([path])
  })

  it('is never quoted, not even where a secret stands in the wrong place', () => {
    const secret = 'S3CRETS3CRETS3CRET'
    for (const column of ['email', 'role', 'password_hash', 'totp', 'mfa_enrolled_at', 'email_verified']) {
      expect(JSON.stringify(read({ [column]: secret }).faults), column).not.toContain(secret)
    }
    expect(JSON.stringify(read({ [secret]: '' }).faults)).not.toContain(secret)
  })

  it('brings only what can be checked in FIPS mode', () => {
    const bcrypt = '$2b$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi'
    const pbkdf2 = 'pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c='
    expect(read({ password_hash: bcrypt }, 'pbkdf2-sha256').faults).toHaveLength(1)
    expect(read({ password_hash: pbkdf2 }, 'pbkdf2-sha256').faults).toEqual([])
    expect(read({ password_hash: bcrypt }).faults).toEqual([])
  })
})
