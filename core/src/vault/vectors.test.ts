import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aesGcmOpen, aesGcmSeal } from './aes-gcm.ts'
import { hkdfSha256, pbkdf2Sha256 } from './kdf.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** NIST's response files: `Name = value` lines, a blank line after each case, a bare `FAIL`. */
function readResponseFile(): Record<string, string>[] {
  const file = new URL('../../testdata/nist/gcm-decrypt-256.rsp', import.meta.url)
  return readFileSync(file, 'utf8')
    .split('\n\n')
    .filter((block) => block.startsWith('Count'))
    .map((block) =>
      Object.fromEntries(
        block.split('\n').map((line) => {
          const [name = '', value = ''] = line.split('=')
          return [name.trim(), value.trim()]
        }),
      ),
    )
}

describe('AES-256-GCM, by the vectors of NIST', () => {
  const cases = readResponseFile()
  const counts = { opened: 0, refused: 0 }

  it('opens what is valid, to the byte, and seals it to the same bytes; refuses the rest', () => {
    for (const { Key, IV, CT, AAD, Tag, PT, FAIL } of cases) {
      const context = { key: hex(Key!), nonce: hex(IV!), aad: hex(AAD!) }
      const sealed = hex(CT! + Tag!)
      const opened = aesGcmOpen({ ...context, sealed })
      if (FAIL === undefined) {
        expect(opened?.toString('hex')).toBe(PT)
        expect(aesGcmSeal({ ...context, plaintext: hex(PT!) })).toEqual(sealed)
        counts.opened++
      } else {
        expect(opened).toBeNull()
        counts.refused++
      }
    }
    expect(counts).toEqual({ opened: 184, refused: 191 })
  })

  it('takes no nonce but of 96 bits and no key but of 256', () => {
    const good = { key: Buffer.alloc(32), nonce: Buffer.alloc(12), aad: Buffer.alloc(0) }
    const sealed = aesGcmSeal({ ...good, plaintext: Buffer.from('x') })
    for (const length of [0, 8, 11, 13, 16]) {
      const context = { ...good, nonce: Buffer.alloc(length) }
      expect(() => aesGcmSeal({ ...context, plaintext: Buffer.from('x') })).toThrow(RangeError)
      expect(() => aesGcmOpen({ ...context, sealed })).toThrow(RangeError)
    }
    for (const length of [0, 16, 24, 31, 33]) {
      expect(() => aesGcmOpen({ ...good, key: Buffer.alloc(length), sealed })).toThrow()
    }
  })

  it('refuses a tag cut short', () => {
    const context = { key: Buffer.alloc(32), nonce: Buffer.alloc(12), aad: Buffer.alloc(0) }
    const sealed = aesGcmSeal({ ...context, plaintext: Buffer.alloc(0) })
    for (let length = 0; length < 16; length++) {
      expect(aesGcmOpen({ ...context, sealed: sealed.subarray(0, length) })).toBeNull()
    }
  })
})

describe('HKDF-SHA256, by RFC 5869 appendix A', () => {
  const sequence = (from: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => from + i))

  it.each([
    {
      ikm: Buffer.alloc(22, 0x0b),
      salt: sequence(0, 13),
      info: sequence(0xf0, 10),
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      ikm: sequence(0, 80),
      salt: sequence(0x60, 80),
      info: sequence(0xb0, 80),
      okm:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
        'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      ikm: Buffer.alloc(22, 0x0b),
      salt: Buffer.alloc(0),
      info: Buffer.alloc(0),
      okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ])('yields $okm', ({ okm, ...input }) => {
    expect(hkdfSha256({ ...input, length: okm.length / 2 }).toString('hex')).toBe(okm)
  })

  it('yields as much as the RFC allows, and no more', () => {
    const input = { ikm: Buffer.alloc(32), salt: Buffer.alloc(16), info: Buffer.alloc(0) }
    expect(hkdfSha256({ ...input, length: 8160 })).toHaveLength(8160)
    expect(hkdfSha256({ ...input, length: 0 })).toHaveLength(0)
    expect(() => hkdfSha256({ ...input, length: 8161 })).toThrow(RangeError)
  })
})

describe('PBKDF2-HMAC-SHA256, by RFC 7914 section 11', () => {
  it.each([
    {
      password: 'passwd',
      salt: 'salt',
      iterations: 1,
      key:
        '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc' +
        '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    },
    {
      password: 'Password',
      salt: 'NaCl',
      iterations: 80000,
      key:
        '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56' +
        'a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
    },
  ])('derives $key', async ({ password, salt, iterations, key }) => {
    const bytes = { password: Buffer.from(password), salt: Buffer.from(salt) }
    expect((await pbkdf2Sha256({ ...bytes, iterations, length: 64 })).toString('hex')).toBe(key)
  })
})
