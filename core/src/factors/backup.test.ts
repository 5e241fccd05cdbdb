import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Random, systemRandom } from '../clock.ts'
import type { Enrolment } from '../store.ts'
import {
  type BackupFormat,
  backupSpentPrefix,
  createBackupFactor,
  generateBackupCodes,
  hashBackupCodes,
  isBackupCode,
} from './backup.ts'

vi.mock('node:crypto', { spy: true })

const slowHashes = () => vi.mocked(crypto.pbkdf2).mock.calls.length
beforeEach(() => void vi.mocked(crypto.pbkdf2).mockClear())

const formats: { format: BackupFormat; shape: RegExp }[] = [
  { format: 'short', shape: /^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/ },
  { format: 'long', shape: /^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{5}$/ },
  { format: 'digits', shape: /^[0-9]{8}$/ },
]

/** Bytes that look random and are the same in every run. */
function seeded(seed: string): Random {
  let block = 0
  return {
    bytes: (length) => crypto.createHash('sha512').update(`${seed} ${block++}`).digest().subarray(0, length),
  }
}

/** Draws exactly these numbers, then throws. */
function scripted(numbers: number[]): Random {
  const left = numbers.values()
  return {
    bytes() {
      const { value, done } = left.next()
      if (done) throw new Error('drew more than was scripted')
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes
    },
  }
}

describe('generateBackupCodes', () => {
  it.each(formats)('makes ten different codes of the $format format', ({ format, shape }) => {
    const codes = generateBackupCodes({ random: systemRandom, format })
    expect(new Set(codes).size).toBe(10)
    for (const code of codes) expect(code).toMatch(shape)
  })

  it('makes short ones unless told otherwise, and as many as told', () => {
    const codes = generateBackupCodes({ random: systemRandom, count: 3 })
    expect(codes).toEqual(Array(3).fill(expect.stringMatching(formats[0]!.shape)))
  })

  it.each(formats)('favours no symbol in the $format format', ({ format }) => {
    const symbols = generateBackupCodes({ random: seeded(format), format, count: 4000 })
      .join('')
      .replaceAll('-', '')
    const counts = new Map<string, number>()
    for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    const size = format === 'digits' ? 10 : 32
    expect(counts.size).toBe(size)
    const expected = symbols.length / size
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    // twice the mean, many deviations out: one symbol drawn twice as often would be far beyond it
    expect(chiSquare).toBeLessThan(2 * size)
  })

  it('draws again when a code came twice, or came without a letter', () => {
    const word = [0, 1, 2, 3, 4, 5, 6, 7]
    const digitsOnly = [24, 25, 26, 27, 28, 29, 30, 31]
    const other = [8, 9, 10, 11, 12, 13, 14, 31]
    const random = scripted([word, word, digitsOnly, other].flat())
    expect(generateBackupCodes({ random, count: 2 })).toEqual(['ABCD-EFGH', 'JKLM-NPQ9'])
  })
})

describe('isBackupCode', () => {
  it('takes any case and hyphens left out', () => {
    for (const code of ['ABCD-2345', 'ABCD2345', 'abcd-2345', 'aBcD2345'])
      expect(isBackupCode(code, 'short')).toBe(true)
    for (const code of ['ABCD-EFGH-JKLMN', 'abcdefghjklmn']) expect(isBackupCode(code, 'long')).toBe(true)
    expect(isBackupCode('01234567', 'digits')).toBe(true)
  })

  it.each([
    ['', 'short'],
    [' ABCD-2345', 'short'],
    ['ABCD-2345 ', 'short'],
    ['ABCD-2345\n', 'short'],
    ['ABCD 2345', 'short'],
    ['ABCD--2345', 'short'],
    ['ABC-D2345', 'short'],
    ['-ABCD2345', 'short'],
    ['ABCD\u20102345', 'short'],
    ['ABCD\u22122345', 'short'],
    ['ABCD-234O', 'short'],
    ['ABCD-2340', 'short'],
    ['ABCD-234l1', 'short'],
    ['ABCD-234I', 'short'],
    // upper or lower cases of these are ASCII, and one full-width
    ['\u017fBCD-2345', 'short'],
    ['\u212aBCD-2345', 'short'],
    ['\uff21BCD-2345', 'short'],
    ['ABCD-2345-', 'short'],
    ['ABCD-EFGH-JKLMN', 'short'],
    ['ABCD-2345', 'long'],
    ['ABCD-2345', 'digits'],
    ['1234-5678', 'digits'],
    ['1234567', 'digits'],
    ['１２３４５６７８', 'digits'],
    [12345678, 'digits'],
    [null, 'short'],
    [undefined, 'short'],
    [['ABCD-2345'], 'short'],
    [{ toString: () => 'ABCD-2345' }, 'short'],
  ] as const)('refuses %j as %s', (input, format) => {
    expect(isBackupCode(input, format)).toBe(false)
  })

  it('refuses a megabyte', () => {
    expect(isBackupCode('A'.repeat(1_000_000), 'short')).toBe(false)
  })
})

describe('hashBackupCodes', () => {
  it('keeps 600,000 iterations of PBKDF2-HMAC-SHA256 of each code under one random salt', async () => {
    const codes = ['ABCD-2345', 'EFGH-6789']
    const { settings, secret } = await hashBackupCodes(codes, { random: systemRandom, format: 'short' })
    expect(settings).toEqual({ format: 'short', count: 2, iterations: 600_000, salt: expect.any(String) })
    const salt = Buffer.from(settings.salt, 'base64url')
    expect(salt).toHaveLength(16)
    const expected = ['ABCD2345', 'EFGH6789'].map((code) =>
      crypto.pbkdf2Sync(code, salt, 600_000, 32, 'sha256'),
    )
    expect(Buffer.from(secret)).toEqual(Buffer.concat(expected))
  })

  it('gives the same codes other hashes the next time', async () => {
    const options = { random: systemRandom, format: 'short', iterations: 10 } as const
    const [first, second] = await Promise.all([1, 2].map(() => hashBackupCodes(['ABCD-2345'], options)))
    expect(first!.secret).not.toEqual(second!.secret)
  })
})

describe('the backup factor', () => {
  const factor = createBackupFactor()

  async function enrolled(format: BackupFormat = 'short') {
    const codes = generateBackupCodes({ random: systemRandom, format })
    const { settings, secret } = await hashBackupCodes(codes, {
      random: systemRandom,
      format,
      iterations: 10,
    })
    const enrolment: Enrolment = {
      id: 'e1',
      subjectId: 's1',
      factor: 'backup',
      name: 'Backup codes',
      status: 'active',
      sealed: null,
      settings: { ...settings },
      createdAt: 0,
      confirmedAt: 0,
      revokedAt: null,
      lastUsedAt: null,
      expiresAt: null,
    }
    vi.mocked(crypto.pbkdf2).mockClear()
    const verify = (input: unknown, change: Partial<Enrolment> = {}) =>
      factor.verify({ enrolment: { ...enrolment, ...change }, secret, input, now: 0 })
    return { codes, settings, secret, enrolment, verify }
  }

  it.each(formats)(
    'says which $format code it was, in every spelling, and how to use it up',
    async ({ format }) => {
      const { codes, verify } = await enrolled(format)
      for (const [index, code] of codes.entries()) {
        const spellings = [
          code,
          code.toLowerCase(),
          code.replaceAll('-', ''),
          code.replaceAll('-', '').toLowerCase(),
        ]
        for (const spelling of spellings) {
          expect(await verify(spelling)).toEqual({
            spends: [{ kind: 'once', key: `${backupSpentPrefix('e1')}${index}` }],
            detail: { code_index: index },
          })
        }
      }
    },
  )

  it('judges a guess by one slow hash, right or wrong, first code or last', async () => {
    const { codes, verify } = await enrolled()
    for (const code of [codes[0], codes[9], 'ABCD-2345']) {
      vi.mocked(crypto.pbkdf2).mockClear()
      await verify(code)
      expect(slowHashes()).toBe(1)
    }
  })

  it('pays for no hash when something else than a code is sent', async () => {
    const { verify, enrolment } = await enrolled()
    for (const input of [
      'ABCD 2345',
      'ABCD-234O',
      '',
      'A'.repeat(1_000_000),
      12345678,
      null,
      undefined,
      {},
    ]) {
      expect(factor.wellFormed(input, enrolment)).toBe(false)
      expect(await verify(input)).toBeNull()
    }
    expect(slowHashes()).toBe(0)
  })

  it('lets the event loop go on while it hashes', async () => {
    const { codes, settings, verify } = await enrolled()
    const order: string[] = []
    setImmediate(() => order.push('something else'))
    await verify(codes[0], { settings: { ...settings, iterations: 200_000 } })
    order.push('judged')
    expect(order).toEqual(['something else', 'judged'])
  })

  it('takes no code of another set', async () => {
    const mine = await enrolled()
    const theirs = await enrolled()
    for (const code of theirs.codes) expect(await mine.verify(code)).toBeNull()
  })

  it('does not guess what a damaged enrolment meant', async () => {
    const { codes, settings, secret, enrolment, verify } = await enrolled()
    const damages = [
      {},
      { ...settings, format: 'toString' },
      { ...settings, iterations: '10' },
      { ...settings, salt: null },
      { ...settings, count: 11 },
    ]
    for (const damaged of damages) {
      await expect(verify(codes[0], { settings: damaged })).rejects.toMatchObject({ code: 'store_damaged' })
    }
    const cut = { enrolment, secret: secret.subarray(1), input: codes[0], now: 0 }
    await expect(factor.verify(cut)).rejects.toMatchObject({ code: 'store_damaged' })
  })
})
