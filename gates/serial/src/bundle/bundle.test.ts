import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { systemRandom } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { newX25519, x25519Text } from '../x25519.ts'
import {
  type BundledTechnician,
  largestBundle,
  openBundle,
  parseBundleRequest,
  readSignedBundle,
  requestFingerprint,
  sealBundle,
} from './bundle.ts'
import { generateBundleKey, parseBundleKey } from './signing.ts'

const made = generateBundleKey(systemRandom)
const [signingKey, publicKey] = [createPrivateKey(made.privateKeyPem), parseBundleKey(made.publicKey)]
const privateKey = newX25519(systemRandom)
const own = { device: 'pump-12', privateKey }
const header = { device: 'pump-12', serial: 7, issued_at: 1_000, not_before: 1_000, expires: 2_000 }
const alice: BundledTechnician = {
  ...{ id: 'alice@example.org', name: 'Alice' },
  factors: [{ type: 'totp', secret: 'JBSWY3DPEHPK3PXP', algorithm: 'SHA1', period: 30, digits: 6 }],
}
const seal = (change: Partial<Parameters<typeof sealBundle>[0]> = {}) =>
  sealBundle({
    ...{ header, technicians: [alice], recipient: createPublicKey(privateKey), signingKey },
    ...{ random: systemRandom, ...change },
  })

function read(text: string, options = own) {
  const signed = readSignedBundle(text, publicKey)
  return signed.status === 'good' ? openBundle(signed.value, options) : signed
}
const reasonOf = (text: string, options = own) => {
  const outcome = read(text, options)
  return outcome.status === 'refused' ? outcome.reason : null
}

describe('a bundle', () => {
  it('is opened by the gate that it was made for', () => {
    expect(read(seal())).toEqual({ status: 'good', value: [alice] })
    const signed = readSignedBundle(seal(), publicKey)
    expect(signed).toMatchObject({ status: 'good', value: { ...header, recipient: x25519Text(privateKey) } })
  })

  it('says nothing of who is in it, and little of how many there are', () => {
    const text = seal()
    const told = text
      .split('\n')
      .map((line) => Buffer.from(line, 'base64url').toString('latin1'))
      .join()
    for (const secret of ['alice', 'Alice', 'JBSWY3DPEHPK3PXP', 'totp']) {
      expect(text).not.toContain(secret)
      expect(told).not.toContain(secret)
    }
    expect(seal({ technicians: [] })).toHaveLength(text.length)
    expect(seal()).not.toBe(text)
  })

  it('is refused with any byte of it changed, left out or put in', () => {
    const bytes = Buffer.from(seal())
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 2, 32, 128]) {
        const other = Buffer.from(bytes)
        other[at]! ^= flip
        expect(read(other.toString('latin1')).status, `byte ${at} ^ ${flip}`).toBe('refused')
      }
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
      expect(read(without.toString()).status, `without byte ${at}`).toBe('refused')
      expect(read(bytes.toString('utf8', 0, at)).status, `cut at ${at}`).toBe('refused')
    }
    for (const more of ['\n', ' ', 'A', '\0'])
      expect(reasonOf(`${bytes}${more}`)).toContain('was cut off or altered')
  })

  it('is refused with parts of another that is as well signed', () => {
    const [one, two] = [seal().split('\n'), seal({ header: { ...header, serial: 8 } }).split('\n')]
    for (const at of [1, 2, 3]) {
      const mixed = one.map((line, index) => (index === at ? two[at] : line)).join('\n')
      expect(reasonOf(mixed)).toContain('not signed by the key')
    }
  })

  it.each([
    [
      'another signer',
      seal({ signingKey: createPrivateKey(generateBundleKey(systemRandom).privateKeyPem) }),
      'is not signed by the key that `public_key` names',
    ],
    [
      'another device',
      seal({ header: { ...header, device: 'pump-13' } }),
      'was made for device pump-13, and this is pump-12',
    ],
    [
      'another key',
      seal({ recipient: createPublicKey(newX25519(systemRandom)) }),
      'was made for another key of this device',
    ],
    ['another version', seal().replace('/v1\n', '/v2\n'), 'is of version 2, which this gate does not read'],
    ['no bundle', '{}', 'is no bundle of technicians'],
    ['nothing', '', 'is no bundle of technicians'],
    ['a megabyte', 'A'.repeat(largestBundle + 1), 'is larger than 1048576 bytes'],
    ['line feeds', '\n'.repeat(largestBundle), 'is no bundle of technicians'],
    ['noise', randomBytes(5_000).toString('latin1'), 'is no bundle of technicians'],
  ])('is refused: %s', (_, text, reason) => {
    expect(reasonOf(text)).toContain(reason)
  })

  it('is not made for technicians that no gate would take', () => {
    const twice = [alice, { ...alice, id: 'ALICE@example.org' }]
    expect(() => seal({ technicians: twice })).toThrow()
    expect(() => seal({ technicians: [{ ...alice, id: 'al ice' }] })).toThrow()
    const many = Array.from({ length: 9_000 }, (_, n) => ({ ...alice, id: `technician-${n}@example.org` }))
    expect(() => seal({ technicians: many })).toThrow('fewer technicians')
  })
})

describe('a request', () => {
  const request = {
    ...{ sallyport: 'bundle request v1', device: 'pump-12', public_key: x25519Text(privateKey) },
    totp: { algorithm: 'SHA1', period: 30, digits: 6, issuer: 'ShimMFA' },
  }

  it('has one shape, and a fingerprint of all of it', () => {
    expect(parseBundleRequest(JSON.stringify(request))).toEqual(request)
    const changes = [{ device: '../x' }, { public_key: 'x25519:AAAA' }, { more: 1 }, { sallyport: 2 }]
    for (const change of changes)
      expect(parseBundleRequest(JSON.stringify({ ...request, ...change }))).toBeNull()
    expect(parseBundleRequest('no JSON')).toBeNull()
    const print = (change: object) =>
      requestFingerprint(parseBundleRequest(JSON.stringify({ ...request, ...change }))!)
    const first = print({})
    expect(first).toMatch(/^([0-9a-f]{4}-){4}[0-9a-f]{4}$/)
    const others = [
      print({ device: 'pump-13' }),
      print({ public_key: x25519Text(newX25519(systemRandom)) }),
      print({ totp: { ...request.totp, digits: 8 } }),
    ]
    expect(new Set([first, ...others]).size).toBe(4)
  })

  it('names no private key as the one that proves bundles', () => {
    expect(() => parseBundleKey(made.privateKeyPem)).toThrow('is no Ed25519 public key')
    expect(() => parseBundleKey('ed25519:short')).toThrow('is no Ed25519 public key')
    expect(() => parseBundleKey(x25519Text(privateKey))).toThrow('is no Ed25519 public key')
  })
})
