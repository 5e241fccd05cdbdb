import { execFileSync, spawnSync } from 'node:child_process'
import * as crypto from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { hotp, matchTotp, type OtpAlgorithm, timeStep, totp, wellFormedCode } from './otp.ts'

vi.mock('node:crypto', { spy: true })

const seed = (length: number) => Buffer.alloc(length, '1234567890')
const algorithms = ['SHA1', 'SHA256', 'SHA512'] as const

/** RFC 4226, appendix D. */
const counterCodes = [
  '755224',
  '287082',
  '359152',
  '969429',
  '338314',
  '254676',
  '287922',
  '162583',
  '399871',
  '520489',
]

/** RFC 6238, appendix B: seconds, then the codes of SHA-1, SHA-256 and SHA-512. */
const timeCodes = [
  [59, '94287082', '46119246', '90693936'],
  [1111111109, '07081804', '68084774', '25091201'],
  [1111111111, '14050471', '67062674', '99943326'],
  [1234567890, '89005924', '91819424', '93441116'],
  [2000000000, '69279037', '90698825', '38618901'],
  [20000000000, '65353130', '77737706', '47863826'],
] as const

describe('codes', () => {
  it.each([...counterCodes.entries()])('computes RFC 4226, counter %i: %s', (counter, code) => {
    expect(hotp({ secret: seed(20), counter, algorithm: 'SHA1', digits: 6 })).toBe(code)
  })

  it.each(timeCodes)('computes RFC 6238 at %i s', (seconds, sha1, sha256, sha512) => {
    const common = { at: seconds * 1000, digits: 8, period: 30 }
    expect(totp({ ...common, secret: seed(20), algorithm: 'SHA1' })).toBe(sha1)
    expect(totp({ ...common, secret: seed(32), algorithm: 'SHA256' })).toBe(sha256)
    expect(totp({ ...common, secret: seed(64), algorithm: 'SHA512' })).toBe(sha512)
  })

  it('takes counters of 64 bits, and nothing that is not a counter', () => {
    const options = { secret: seed(20), algorithm: 'SHA1', digits: 6 } as const
    // from oathtool --hotp -c 4294967300
    expect(hotp({ ...options, counter: 2 ** 32 + 4 })).toBe('028804')
    for (const counter of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => hotp({ ...options, counter })).toThrow(RangeError)
    }
  })

  it('hashes a secret longer than a block of its hash first, as RFC 2104 says', () => {
    for (const algorithm of algorithms) {
      const secret = seed(129)
      const hashed = crypto.createHash(algorithm).update(secret).digest()
      const options = { algorithm, counter: 1, digits: 8 }
      expect(hotp({ ...options, secret })).toBe(hotp({ ...options, secret: hashed }))
    }
  })

  it.skipIf(spawnSync('oathtool', ['--version']).error)(
    'agrees with oathtool on 1,000 secrets, times, algorithms and lengths',
    { timeout: 120_000 },
    () => {
      const cases = fc.sample(
        fc.record({
          secret: fc.uint8Array({ minLength: 1, maxLength: 150, size: 'max' }),
          seconds: fc.integer({ min: 0, max: 2 ** 36 }),
          algorithm: fc.constantFrom(...algorithms),
          digits: fc.integer({ min: 6, max: 8 }),
          period: fc.integer({ min: 15, max: 120 }),
        }),
        1000,
      )
      const commands = cases.map(({ secret, seconds, algorithm, digits, period }) => {
        const hex = Buffer.from(secret).toString('hex')
        return `oathtool --totp=${algorithm} -d ${digits} -s ${period}s -N @${seconds} ${hex}`
      })
      const theirs = execFileSync('sh', ['-e'], { input: commands.join('\n') })
        .toString()
        .trim()
        .split('\n')
      expect(cases.map(({ seconds, ...options }) => totp({ ...options, at: seconds * 1000 }))).toEqual(theirs)
    },
  )
})

describe('matchTotp', () => {
  const base = { secret: seed(20), algorithm: 'SHA1' as OtpAlgorithm, digits: 6, period: 30, window: 1 }
  const now = 1_700_000_000_000
  const current = timeStep(now, 30)
  const codeOf = (counter: number) => hotp({ ...base, counter })
  const match = (code: string, change: Partial<Parameters<typeof matchTotp>[0]> = {}) =>
    matchTotp({ ...base, now, after: null, code, ...change })

  it('names the step within the window, and none outside it', () => {
    for (const off of [-1, 0, 1]) expect(match(codeOf(current + off))).toBe(current + off)
    for (const off of [-3, -2, 2, 3]) expect(match(codeOf(current + off))).toBeNull()
    expect(match(codeOf(current - 2), { window: 2 })).toBe(current - 2)
    expect(match(codeOf(current + 1), { window: 0 })).toBeNull()
  })

  it('turns to the next step at its very millisecond', () => {
    const begins = current * 30_000
    const code = codeOf(current)
    expect(match(code, { now: begins, window: 0 })).toBe(current)
    expect(match(code, { now: begins + 29_999, window: 0 })).toBe(current)
    expect(match(code, { now: begins + 30_000, window: 0 })).toBeNull()
    expect(match(code, { now: begins - 1, window: 0 })).toBeNull()
  })

  it('takes no step at or below the last one, whichever way the clock was set', () => {
    const code = codeOf(current)
    expect(match(code, { after: current - 1 })).toBe(current)
    expect(match(code, { after: current })).toBeNull()
    expect(match(code, { after: current + 1 })).toBeNull()
    expect(match(codeOf(current - 1), { now: now - 30_000, after: current })).toBeNull()
  })

  it('answers with the newest of several steps that have one code, so that none is left to replay', () => {
    // found by search: these steps of this secret have the same six digits
    for (const [older, newer, code] of [
      [50_424_280, 50_424_281, '070562'],
      [50_897_033, 50_897_035, '407517'],
    ] as const) {
      expect([codeOf(older), codeOf(newer)]).toEqual([code, code])
      for (let step = newer - 1; step <= older + 1; step++) {
        expect(match(code, { now: step * 30_000 })).toBe(newer)
        expect(match(code, { now: step * 30_000, after: older })).toBe(newer)
        expect(match(code, { now: step * 30_000, after: newer })).toBeNull()
      }
    }
  })

  it('begins at step 0 when the clock stands at the epoch', () => {
    expect(match(codeOf(0), { now: 0 })).toBe(0)
    expect(match(codeOf(1), { now: 0 })).toBe(1)
    expect(match(codeOf(0), { now: 0, after: 0 })).toBeNull()
    expect(match(codeOf(0), { now: -30_000 })).toBe(0)
    expect(match(codeOf(0), { now: -60_000 })).toBeNull()
  })

  it('finds any step of any secret, and says which', () => {
    const options = fc.record({
      secret: fc.uint8Array({ minLength: 10, maxLength: 150, size: 'max' }),
      algorithm: fc.constantFrom(...algorithms),
      digits: fc.integer({ min: 6, max: 8 }),
      period: fc.integer({ min: 15, max: 120 }),
      window: fc.integer({ min: 0, max: 3 }),
    })
    const at = fc.integer({ min: 1_000_000, max: 2 ** 45 })
    fc.assert(
      fc.property(options, at, fc.integer({ min: -5, max: 5 }), (o, time, off) => {
        const step = timeStep(time, o.period) + off
        const code = hotp({ ...o, counter: step })
        const matched = matchTotp({ ...o, code, now: time, after: null })
        if (Math.abs(off) <= o.window) expect(matched).toBeGreaterThanOrEqual(step)
        if (matched !== null) expect(hotp({ ...o, counter: matched })).toBe(code)
      }),
    )
  })

  it('leaves the secret as it was', () => {
    const secret = seed(20)
    match(codeOf(current), { secret })
    expect(secret).toEqual(seed(20))
  })
})

describe('the work of matchTotp', () => {
  const options = { secret: seed(20), digits: 6, period: 30, window: 1, now: 1_700_000_000_000 }
  const workFor = (algorithm: OtpAlgorithm, code: string, after: number | null = null) => {
    vi.mocked(crypto.hash).mockClear()
    const matched = matchTotp({ ...options, algorithm, code, after })
    return { hit: matched !== null, hashes: vi.mocked(crypto.hash).mock.calls.length }
  }

  beforeEach(() => void vi.mocked(crypto.hash).mockClear())

  it.each(algorithms)('is the same for every hit and every miss with %s', (algorithm) => {
    const codes = [-1, 0, 1].map((off) =>
      totp({ ...options, algorithm, at: options.now + off * options.period * 1000 }),
    )
    for (const code of codes) {
      expect(workFor(algorithm, code)).toEqual({ hit: true, hashes: 6 })
      expect(workFor(algorithm, code, Number.MAX_SAFE_INTEGER)).toEqual({ hit: false, hashes: 6 })
    }
    const wrong = ['000000', '999999'].filter((code) => !codes.includes(code))
    for (const code of wrong) expect(workFor(algorithm, code)).toEqual({ hit: false, hashes: 6 })
  })

  it('is none at all for what cannot be a code', () => {
    for (const code of ['', '12345', '1234567', '12345a', '１２３４５６', '1'.repeat(1_000_000)]) {
      expect(workFor('SHA1', code)).toEqual({ hit: false, hashes: 0 })
    }
  })
})

describe('wellFormedCode', () => {
  it('takes exactly so many ASCII digits', () => {
    expect(wellFormedCode('012345', 6)).toBe(true)
    expect(wellFormedCode('01234567', 8)).toBe(true)
  })

  const malformed = [
    '',
    '12345',
    '1234567',
    ' 123456',
    '123456 ',
    '123 456',
    '12345\n',
    '123456\n',
    '+12345',
    '-12345',
    '1e5000',
    '0x1234',
    '12345.',
    '１２３４５６',
    '٠١٢٣٤٥',
    '1\u200b2345',
    '1'.repeat(1_000_000),
    123456,
    123456n,
    null,
    undefined,
    true,
    ['123456'],
    { length: 6 },
    Object('123456'),
  ]

  it('refuses everything else', () => {
    for (const input of malformed) expect(wellFormedCode(input, 6), String(input).slice(0, 30)).toBe(false)
  })
})
