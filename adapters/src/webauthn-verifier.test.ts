import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RegisteredCredential } from '@sallyport/core'
import { SettingsService } from '@simplewebauthn/server'
import { describe, expect, it } from 'vitest'
import { createWebauthnVerifier } from './webauthn-verifier.ts'

interface Vector {
  name: string
  registration: Record<
    'challenge' | 'credentialId' | 'aaguid' | 'clientDataJSON' | 'attestationObject',
    string
  >
  authentication: Record<'challenge' | 'clientDataJSON' | 'authenticatorData' | 'signature', string>
}

const file = new URL('../testdata/w3c/webauthn-vectors.json', import.meta.url)
const { attestationCa, vectors } = JSON.parse(readFileSync(file, 'utf8')) as {
  attestationCa: string
  vectors: Vector[]
}
// The vectors' makers are certified by an authority of their own.
SettingsService.setRootCertificates({
  identifier: 'apple',
  certificates: [Buffer.from(attestationCa, 'hex')],
})
const verifier = createWebauthnVerifier()
const rp = { id: 'example.org', name: 'Example', origins: ['https://example.org'] }
const text = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')

/**
 * Not for us: pages in the frame of another's; a curve that is not offered (COSE -53); a TPM of a maker that does not
 * exist, a U2F key that has an AAGUID and an Android key of no maker, which the library does not take.
 */
const refused: Record<string, string> = {
  'none-es256-crossOrigin': 'cross_origin',
  'none-es256-topOrigin': 'cross_origin',
  'packed-ed448': 'attestation',
  'tpm-es256': 'attestation',
  'fido-u2f-es256': 'attestation',
  'android-key-es256': 'attestation',
}
const supported = vectors.filter(({ name }) => refused[name] === undefined)

function registrationOf({ registration }: Vector) {
  const id = text(registration.credentialId)
  const response = {
    clientDataJSON: text(registration.clientDataJSON),
    attestationObject: text(registration.attestationObject),
  }
  return {
    response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
    challenge: text(registration.challenge),
    ...{ rp, userVerification: false },
  }
}

async function register(vector: Vector): Promise<RegisteredCredential> {
  const made = await verifier.register(registrationOf(vector))
  if ('fault' in made) throw new Error(`${vector.name}: ${made.fault}`)
  return made
}

function assertionOf({ registration, authentication }: Vector, made: RegisteredCredential) {
  const id = text(registration.credentialId)
  const { challenge, ...parts } = authentication
  const response = Object.fromEntries(Object.entries(parts).map(([name, hex]) => [name, text(hex)]))
  return {
    response: { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} },
    challenge: text(challenge),
    ...{ rp, publicKey: made.publicKey, userVerification: false },
  }
}

/** With one thing in it changed, and nothing signed anew. */
function spoil<T extends { response: { response: object } }>(claim: T, part: object): T {
  return { ...claim, response: { ...claim.response, response: { ...claim.response.response, ...part } } }
}

function withClientData(encoded: string, change: object): string {
  const data = JSON.parse(Buffer.from(encoded, 'base64url').toString())
  return Buffer.from(JSON.stringify({ ...data, ...change })).toString('base64url')
}

function withBytes(encoded: string, change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(encoded, 'base64url')
  change(bytes)
  return bytes.toString('base64url')
}

describe('the test vectors of Web Authentication, level 3', () => {
  it('are all there', () => expect(vectors.length).toBe(15))

  it.each(supported)('$name is registered, and signs in', async (vector) => {
    const made = await register(vector)
    expect(made.credentialId).toBe(text(vector.registration.credentialId))
    expect(made.aaguid.replaceAll('-', '')).toBe(vector.registration.aaguid ?? '0'.repeat(32))
    const flags = Buffer.from(vector.authentication.authenticatorData, 'hex')[32]!
    expect(await verifier.assert(assertionOf(vector, made))).toEqual({
      signCount: 0,
      userVerified: (flags & 4) > 0,
      backupEligible: (flags & 8) > 0,
      backedUp: (flags & 16) > 0,
    })
  })

  it.each(Object.entries(refused))('%s is refused: %s', async (name, fault) => {
    const vector = vectors.find((one) => one.name === name)!
    expect(await verifier.register(registrationOf(vector))).toEqual({ fault })
  })

  it.each(supported)('$name is refused with anything in its sign-in changed', async (vector) => {
    const claim = assertionOf(vector, await register(vector))
    const { clientDataJSON, authenticatorData, signature } = claim.response.response as Record<string, string>
    const changed = (change: object) =>
      spoil(claim, { clientDataJSON: withClientData(clientDataJSON!, change) })
    const data = (change: (bytes: Buffer) => void) =>
      spoil(claim, { authenticatorData: withBytes(authenticatorData!, change) })
    const otherKey = await register(supported.find(({ name }) => name !== vector.name)!)
    const cases: [string, Parameters<typeof verifier.assert>[0]][] = [
      ['origin', changed({ origin: 'https://example.org.attacker.example' })],
      ['origin', changed({ origin: 'https://example.org:8443' })],
      ['origin', changed({ origin: 'http://example.org' })],
      ['origin', { ...claim, rp: { ...rp, origins: ['https://login.example.org'] } }],
      ['cross_origin', changed({ crossOrigin: true })],
      ['challenge', changed({ challenge: text('00'.repeat(32)) })],
      ['challenge', { ...claim, challenge: `${claim.challenge}=` }],
      ['type', changed({ type: 'webauthn.create' })],
      ['signature', changed({ more: 'than was signed' })],
      ['rp_id', { ...claim, rp: { ...rp, id: 'org' } }],
      ['rp_id', data((bytes) => bytes.set(createHash('sha256').update('attacker.example').digest()))],
      ['user_presence', data((bytes) => (bytes[32]! &= 0xfe))],
      ['backup_state', data((bytes) => (bytes[32] = (bytes[32]! & ~8) | 16))],
      ['signature', data((bytes) => (bytes[32]! ^= 4))],
      ['signature', data((bytes) => (bytes[36]! ^= 1))],
      ['malformed', spoil(claim, { authenticatorData: 'AAAA' })],
      ['malformed', spoil(claim, { clientDataJSON: 'AAAA' })],
      ['signature', { ...claim, publicKey: otherKey.publicKey }],
    ]
    for (const [fault, spoiled] of cases) {
      const found = await verifier.assert(spoiled)
      // A key of another kind cannot even be tried.
      const faults = fault === 'signature' ? ['signature', 'malformed'] : [fault]
      expect([fault, faults.includes((found as { fault: string }).fault)]).toEqual([fault, true])
    }
    const last = withBytes(signature!, (bytes) => (bytes[bytes.length - 1]! ^= 1))
    expect(await verifier.assert(spoil(claim, { signature: last }))).toHaveProperty('fault')
  })

  it.each(supported)('$name is refused with anything in its registration changed', async (vector) => {
    const claim = registrationOf(vector)
    const { clientDataJSON, attestationObject } = claim.response.response
    const changed = (change: object) =>
      spoil(claim, { clientDataJSON: withClientData(clientDataJSON, change) })
    const other = text('07'.repeat(32))
    const cases: [string, typeof claim][] = [
      ['origin', changed({ origin: 'https://evil.example' })],
      ['challenge', changed({ challenge: other })],
      ['type', changed({ type: 'webauthn.get' })],
      ['rp_id', { ...claim, rp: { ...rp, id: 'example.com' } }],
      ['credential', { ...claim, response: { ...claim.response, id: other, rawId: other } }],
      ['malformed', spoil(claim, { attestationObject: attestationObject.slice(0, 40) })],
    ]
    for (const [fault, spoiled] of cases) expect(await verifier.register(spoiled)).toEqual({ fault })
  })

  it('ask for a person who was verified, where that is demanded', async () => {
    const without = supported.filter(
      ({ authentication }) => !(Buffer.from(authentication.authenticatorData, 'hex')[32]! & 4),
    )
    expect(without.length).toBeGreaterThan(2)
    for (const vector of without) {
      const claim = { ...assertionOf(vector, await register(vector)), userVerification: true }
      expect(await verifier.assert(claim)).toEqual({ fault: 'user_verification' })
    }
  })
})
