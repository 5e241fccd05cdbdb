import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseProvisioningUri, provisioningUri } from './provisioning-uri.ts'

const common = { algorithm: 'SHA1', digits: 6, period: 30 } as const
const secret = Buffer.from('12345678901234567890')
const base32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

/** Any UTF-16 at all, lone surrogates among it, with what matters to a URI made likely. */
const label = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom(...':?&=%#/+ \n\r\0"\'\\.;@'),
    ),
  )
  .map((units) => units.join(''))

describe('provisioningUri', () => {
  it('has the form that authenticator apps read', () => {
    const uri = provisioningUri({ ...common, secret, issuer: 'Example Ltd', account: 'alice@example.org' })
    expect(uri).toBe(
      `otpauth://totp/Example%20Ltd:alice%40example.org?secret=${base32}&issuer=Example%20Ltd&algorithm=SHA1&digits=6&period=30`,
    )
  })

  it('gives back any label, and lets none inject anything', () => {
    const settings = fc.record({
      algorithm: fc.constantFrom('SHA1' as const, 'SHA256' as const, 'SHA512' as const),
      digits: fc.integer({ min: 6, max: 8 }),
      period: fc.integer({ min: 15, max: 120 }),
    })
    fc.assert(
      fc.property(
        label,
        label,
        settings,
        fc.uint8Array({ minLength: 1, maxLength: 64, size: 'max' }),
        (issuer, account, s, bytes) => {
          const uri = provisioningUri({ ...s, secret: bytes, issuer, account })
          expect(uri).toMatch(/^[\x21-\x7e]+$/)
          expect(parseProvisioningUri(uri)).toEqual({
            ...s,
            secret: bytes,
            issuer: issuer.toWellFormed(),
            account: account.toWellFormed(),
          })
          // as others read it
          const { protocol, host, hash, searchParams } = new URL(uri)
          expect({ protocol, host, hash }).toEqual({ protocol: 'otpauth:', host: 'totp', hash: '' })
          const names = ['secret', ...(issuer ? ['issuer'] : []), 'algorithm', 'digits', 'period']
          expect([...searchParams.keys()]).toEqual(names)
          expect(searchParams.get('issuer') ?? '').toBe(issuer.toWellFormed())
        },
      ),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['a&secret=AAAA', 'b'],
    ['a', 'b?secret=AAAA'],
    ['a:b', 'c:d'],
    ['%3A', '%26secret%3DAAAA'],
    ['a#', '#b'],
    ['a\n', '\r\nb'],
    ['..', '../../hotp/x'],
    ['half \ud83d', '\ude00 half'],
    ['', 'only:account'],
  ])('keeps issuer %j and account %j apart', (issuer, account) => {
    const parsed = parseProvisioningUri(provisioningUri({ ...common, secret, issuer, account }))
    expect(parsed).toMatchObject({ issuer: issuer.toWellFormed(), account: account.toWellFormed() })
    expect(Buffer.from(parsed.secret)).toEqual(secret)
  })
})

describe('parseProvisioningUri', () => {
  it('reads what other makers write', () => {
    const read = (rest: string) => parseProvisioningUri(`otpauth://totp/${rest}`)
    const alice = { ...common, secret: new Uint8Array(secret), account: 'alice' }
    expect(read(`ACME:alice?secret=${base32}`)).toEqual({ ...alice, issuer: 'ACME' })
    expect(read(`ACME%3Aalice?secret=${base32.toLowerCase()}&issuer=ACME`)).toEqual({
      ...alice,
      issuer: 'ACME',
    })
    expect(read(`alice?issuer=Big+Co&secret=${base32}`)).toEqual({ ...alice, issuer: 'Big Co' })
    expect(read(`alice?secret=${base32}&algorithm=sha256&digits=8&period=60`)).toEqual({
      ...alice,
      issuer: '',
      algorithm: 'SHA256',
      digits: 8,
      period: 60,
    })
  })

  it.each([
    '',
    'https://example.org/?secret=AAAA',
    `otpauth://hotp/alice?secret=${base32}&counter=1`,
    'otpauth://totp/alice',
    'otpauth://totp/alice?secret=',
    'otpauth://totp/alice?secret=0189',
    `otpauth://totp/%E0%A4%A?secret=${base32}`,
    `otpauth://totp/alice?secret=${base32}&algorithm=MD5`,
    `otpauth://totp/alice?secret=${base32}&digits=5`,
    `otpauth://totp/alice?secret=${base32}&digits=6.0`,
    `otpauth://totp/alice?secret=${base32}&period=1e2`,
    `otpauth://totp/alice?secret=${base32}&period=`,
  ])('refuses %j', (uri) => {
    expect(() => parseProvisioningUri(uri)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('refuses a megabyte of beginnings', () => {
    expect(() => parseProvisioningUri('otpauth://totp/'.repeat(66_000))).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})
