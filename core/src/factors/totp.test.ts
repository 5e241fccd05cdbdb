import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import type { Enrolment } from '../store.ts'
import { encodeSecret } from './shared/base32.ts'
import { fingerprint } from './shared/fingerprint.ts'
import { hotp, timeStep, totp } from './shared/otp.ts'
import { checkTotpSettings } from './shared/totp-settings.ts'
import { createTotpFactor, importTotpSecret, newTotpSecret } from './totp.ts'

const secret = Buffer.from('12345678901234567890')
const now = 1_700_000_000_000

function enrolled(
  settings: Record<string, unknown> = { algorithm: 'SHA1', digits: 6, period: 30 },
): Enrolment {
  return {
    id: 'e1',
    subjectId: 's1',
    factor: 'totp',
    name: 'Phone',
    status: 'active',
    sealed: null,
    settings,
    createdAt: 0,
    confirmedAt: 0,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: null,
  }
}

describe('the TOTP factor', () => {
  const factor = createTotpFactor()
  const verify = (input: unknown, enrolment = enrolled()) => factor.verify({ enrolment, secret, input, now })

  it.each([-1, 0, 1])('says which step matched, %i steps off, and how to use it up', async (drift) => {
    const enrolment = enrolled({ algorithm: 'SHA512', digits: 8, period: 60, drift_steps: 0 })
    const step = timeStep(now, 60) + drift
    const input = hotp({ secret, counter: step, algorithm: 'SHA512', digits: 8 })
    expect(await verify(input, enrolment)).toEqual({
      spends: [{ kind: 'raise', key: `totp:${fingerprint(secret)}`, value: step }],
      detail: { time_step: step, drift_steps: drift },
      remember: { drift_steps: drift },
    })
  })

  it('names the same thing to use up, whichever enrolment of the secret a code came through', async () => {
    const input = totp({ secret, at: now, algorithm: 'SHA1', digits: 6, period: 30 })
    const first = await verify(input)
    const second = await verify(input, { ...enrolled(), id: 'e2', subjectId: 's2' })
    expect(second).toEqual(first)
  })

  it('knows no match for wrong codes, old ones, and those of another secret', async () => {
    const options = { secret, algorithm: 'SHA1', digits: 6, period: 30 } as const
    const right = [-30_000, 0, 30_000].map((off) => totp({ ...options, at: now + off }))
    const wrong = [
      totp({ ...options, at: now - 60_000 }),
      totp({ ...options, at: now + 60_000 }),
      totp({ ...options, at: now, secret: Buffer.from('another secret') }),
      totp({ ...options, at: now, algorithm: 'SHA256' }),
    ]
    expect(wrong.filter((code) => right.includes(code))).toEqual([])
    for (const code of wrong) expect(await verify(code)).toBeNull()
  })

  it('takes what is no code for a wrong guess, without a look at the secret', async () => {
    const unread = new Proxy(secret, { get: () => expect.unreachable('the secret was read') })
    const inputs = [
      ' 123456',
      '123456 ',
      '12345',
      '１２３４５６',
      '1'.repeat(1_000_000),
      123456,
      null,
      undefined,
      ['1'],
    ]
    for (const input of inputs) {
      expect(factor.wellFormed(input, enrolled())).toBe(false)
      expect(await factor.verify({ enrolment: enrolled(), secret: unread, input, now })).toBeNull()
    }
  })

  it('refuses an enrolment that lost its secret, whatever the code', async () => {
    const code = totp({ secret: new Uint8Array(), at: now, algorithm: 'SHA1', digits: 6, period: 30 })
    const claim = { enrolment: enrolled(), secret: new Uint8Array(), input: code, now }
    await expect(createTotpFactor().verify(claim)).rejects.toMatchObject({ code: 'store_damaged' })
  })

  it('goes by the digits of the enrolment', () => {
    const eight = enrolled({ algorithm: 'SHA1', digits: 8, period: 30 })
    expect(factor.wellFormed('12345678', eight)).toBe(true)
    expect(factor.wellFormed('123456', eight)).toBe(false)
  })

  it('does not guess what a damaged enrolment meant', async () => {
    for (const settings of [
      { algorithm: 'MD5' },
      { digits: 1 },
      { digits: '6' },
      { period: 0 },
      { period: null },
    ]) {
      await expect(verify('123456', enrolled(settings))).rejects.toMatchObject({ code: 'store_damaged' })
    }
  })

  it.each([-1, 0.5, 11, Number.NaN, Number.POSITIVE_INFINITY])('refuses a window of %d', (window) => {
    expect(() => createTotpFactor({ window })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('TOTP secrets', () => {
  it('are made of 160 bits, another each time', () => {
    expect(newTotpSecret(systemRandom)).toHaveLength(20)
    expect(newTotpSecret(systemRandom)).not.toEqual(newTotpSecret(systemRandom))
  })

  it.each([
    [10, 'short_secret'],
    [15, 'short_secret'],
    [16, null],
    [20, null],
    [64, null],
  ])('of %i bytes are imported, with the warning %s', (length, warning) => {
    const bytes = new Uint8Array(length).fill(7)
    expect(importTotpSecret(encodeSecret(bytes))).toEqual({ secret: bytes, warning })
  })

  it.each([0, 1, 9, 65, 100_000])('of %i bytes are refused', (length) => {
    expect(() => importTotpSecret(encodeSecret(new Uint8Array(length)))).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})

describe('fingerprint', () => {
  it('is of 128 bits, gives nothing of the secret away, and stays what it is', () => {
    expect(fingerprint(secret)).toBe('4c58bb71280130948a3074af9ed2cf39')
  })

  it('is one for all secrets that make the same codes, and differs for others', () => {
    const code = (key: Uint8Array) => hotp({ secret: key, counter: 1, algorithm: 'SHA1', digits: 8 })
    const padded = Buffer.concat([secret, Buffer.alloc(3)])
    expect(code(padded)).toBe(code(secret))
    expect(fingerprint(padded)).toBe(fingerprint(secret))
    const bytes = fc.uint8Array({ minLength: 10, maxLength: 64, size: 'max' })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(fingerprint(a) === fingerprint(b)).toBe(code(a) === code(b))
      }),
    )
  })
})

describe('checkTotpSettings', () => {
  it('fills in what authenticator apps expect', () => {
    expect(checkTotpSettings({})).toEqual({ algorithm: 'SHA1', digits: 6, period: 30 })
    const chosen = { algorithm: 'SHA512', digits: 8, period: 120 }
    expect(checkTotpSettings(chosen)).toEqual(chosen)
  })

  it.each([
    [{ digits: 5 }, 'digits'],
    [{ digits: 9 }, 'digits'],
    [{ digits: 6.5 }, 'digits'],
    [{ digits: '6' }, 'digits'],
    [{ period: 14 }, 'period'],
    [{ period: 121 }, 'period'],
    [{ algorithm: 'sha1' }, 'algorithm'],
    [{ algorithm: 'MD5' }, 'algorithm'],
    [null, ''],
    ['SHA1', ''],
  ])('refuses %j and says where', (settings, path) => {
    expect(() => checkTotpSettings(settings)).toThrow(
      expect.objectContaining({ code: 'invalid_input', faults: [expect.objectContaining({ path })] }),
    )
  })
})
