import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../cli/src/config.ts'
import { openSallyport } from '../cli/src/sallyport.ts'
import { sallyport } from './support/cli.ts'
import { type PopulatedServer, startPopulatedServer } from './support/populated-server.ts'

type Part = Record<string, unknown>

let server: PopulatedServer
/** A token in force, taken apart, and the very key that signed it. */
let header: Part
let claims: Part
let key: KeyObject
/** The same of a sign-in that waits for its second step. */
let pending: { token: string; header: Part; claims: Part; key: Uint8Array }
let publicJwk: Record<string, string>

beforeAll(async () => {
  server = await startPopulatedServer()
  const { access } = await server.signIn('bob')
  ;[header, claims] = partsOf(access)
  const installation = await openSallyport(loadConfig({ environment: {}, flags: { data: server.data } }))
  const { privateKey, pendingKey } = await installation.signingKeys.current()
  key = privateKey
  await installation.close()
  const token = await server.pendingToken()
  const [pendingHeader, pendingClaims] = partsOf(token)
  pending = { token, header: pendingHeader, claims: pendingClaims, key: pendingKey }
  publicJwk = (await server.call('GET', '/.well-known/jwks.json')).body.keys[0]
})
afterAll(() => server?.stop())

function partsOf(token: string): [Part, Part] {
  const [first, second] = token.split('.') as [string, string]
  const read = (part: string): Part => JSON.parse(Buffer.from(part, 'base64url').toString())
  return [read(first), read(second)]
}

const encode = (part: Part) => Buffer.from(JSON.stringify(part)).toString('base64url')

function signed(changes: { header?: Part; claims?: Part; key?: KeyObject } = {}): string {
  const input = `${encode({ ...header, ...changes.header })}.${encode({ ...claims, ...changes.claims })}`
  const signature = sign('sha256', Buffer.from(input), { key: changes.key ?? key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

function withHmac(secret: string): string {
  const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const hour = 3_600
const now = Math.floor(Date.now() / 1_000)
const jwkOf = (one: KeyObject) => one.export({ format: 'jwk' }) as Part

const forgeries: [string, () => string][] = [
  ['expired', () => signed({ claims: { iat: now - hour, exp: now - 1 } })],
  ['not yet in force', () => signed({ claims: { nbf: now + hour } })],
  ['without an end', () => signed({ claims: { exp: undefined } })],
  ['with an end that is no number', () => signed({ claims: { exp: '9999999999' } })],
  ['of another installation', () => signed({ key: stranger.privateKey })],
  ['of another issuer', () => signed({ claims: { iss: 'https://evil.example' } })],
  ['for another audience', () => signed({ claims: { aud: 'https://evil.example' } })],
  ['for the MFA routes', () => signed({ claims: { aud: `${claims.iss}/mfa` } })],
  ['of the type of a pending token', () => signed({ header: { typ: 'mfa+jwt' } })],
  ['of no type', () => signed({ header: { typ: undefined } })],
  ['of the common type', () => signed({ header: { typ: 'JWT' } })],
  ['with an unknown kid', () => signed({ header: { kid: 'another' } })],
  ['with a kid that is a path', () => signed({ header: { kid: '../../../dev/null' } })],
  ['with no kid', () => signed({ header: { kid: undefined } })],
  ['with a kid of the wrong kind', () => signed({ header: { kid: { $ne: '' } } })],
  [
    'with its own key in the header',
    () => signed({ header: { kid: undefined, jwk: jwkOf(stranger.publicKey) }, key: stranger.privateKey }),
  ],
  [
    'with its own key beside our kid',
    () => signed({ header: { jwk: jwkOf(stranger.publicKey) }, key: stranger.privateKey }),
  ],
  [
    'with a key set to be fetched',
    () => signed({ header: { jku: `${server.url}/x` }, key: stranger.privateKey }),
  ],
  ['with a header to be understood', () => signed({ header: { crit: ['x'], x: 1 } })],
  ['for a session that never was', () => signed({ claims: { sid: 'nothing' } })],
  ['with a session of the wrong kind', () => signed({ claims: { sid: ['a'] } })],
  ['unsigned, alg none', () => `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`],
  ['unsigned, alg NonE', () => `${encode({ ...header, alg: 'NonE' })}.${encode(claims)}.`],
  ['unsigned, alg as it was', () => `${encode(header)}.${encode(claims)}.`],
  ['with HMAC by the public key as PEM', () => withHmac(String(createPublicPem()))],
  ['with HMAC by the public key as JWK', () => withHmac(JSON.stringify(publicJwk))],
  ['with HMAC by nothing', () => withHmac('')],
  [
    'with a signature of zeros',
    () => `${encode(header)}.${encode(claims)}.${Buffer.alloc(64).toString('base64url')}`,
  ],
  [
    'with another role under the same signature',
    () => {
      const [first, , third] = signed().split('.')
      return `${first}.${encode({ ...claims, role: 'admin' })}.${third}`
    },
  ],
  ['with a part too many', () => `${signed()}.x`],
]

function createPublicPem() {
  // The curve point of the key set, as the file an attacker would make of it.
  const { x, y } = publicJwk
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])
  const prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
  const body = Buffer.concat([prefix, point])
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
  return `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`
}

describe('an access token', () => {
  it('is in force when it is made as ours are: what follows fails for the reason it names', async () => {
    expect((await server.call('GET', '/auth/me', { token: signed() })).status).toBe(200)
  })

  it.each(forgeries)('%s is nothing', async (_, forge) => {
    const token = forge()
    const answers = [
      await server.call('GET', '/auth/me', { token }),
      await server.call('GET', '/auth/me', { headers: { cookie: `sallyport=${token}` } }),
      await server.call('POST', '/auth/mfa/verify', { body: { temp_token: token, code: '123456' } }),
    ]
    for (const { status, body } of answers) expect([status, body.code]).toEqual([401, 'invalid_token'])
    const asked = { token: server.keys.pbx, body: { token } }
    expect((await server.call('POST', '/auth/introspect', asked)).body).toEqual({ active: false })
  })

  it('gives no role that its subject does not have', async () => {
    const token = signed({ claims: { role: 'admin' } })
    expect((await server.call('GET', '/api/admin/users', { token })).status).toBe(403)
  })
})

function pendingMade(changes: { header?: Part; claims?: Part; key?: Uint8Array | string } = {}): string {
  const input = `${encode({ ...pending.header, ...changes.header })}.${encode({ ...pending.claims, ...changes.claims })}`
  return `${input}.${createHmac('sha256', changes.key ?? pending.key)
    .update(input)
    .digest('base64url')}`
}

const forgedPendings: [string, () => string][] = [
  ['expired', () => pendingMade({ claims: { exp: now - 1 } })],
  ['without an end', () => pendingMade({ claims: { exp: undefined } })],
  ['of another issuer', () => pendingMade({ claims: { iss: 'https://evil.example' } })],
  ['for another audience', () => pendingMade({ claims: { aud: claims.iss } })],
  ['of the type of an access token', () => pendingMade({ header: { typ: 'at+jwt' } })],
  ['of the common type', () => pendingMade({ header: { typ: 'JWT' } })],
  ['with an unknown kid', () => pendingMade({ header: { kid: 'another' } })],
  ['with a header to be understood', () => pendingMade({ header: { crit: ['x'], x: 1 } })],
  ['for an attempt that never was', () => pendingMade({ claims: { mfa_challenge: 'nothing' } })],
  ['with HMAC by the public key as PEM', () => pendingMade({ key: String(createPublicPem()) })],
  ['with HMAC by the public key as JWK', () => pendingMade({ key: JSON.stringify(publicJwk) })],
  ['with HMAC by nothing', () => pendingMade({ key: '' })],
  [
    'signed by the key of access tokens',
    () => signed({ header: { typ: 'mfa+jwt' }, claims: pending.claims }),
  ],
  ['under the header of access tokens', () => signed({ claims: pending.claims })],
  ['unsigned, alg none', () => `${encode({ ...pending.header, alg: 'none' })}.${encode(pending.claims)}.`],
  ['unsigned, alg as it was', () => `${encode(pending.header)}.${encode(pending.claims)}.`],
  ['without its last part', () => pending.token.slice(0, pending.token.lastIndexOf('.'))],
  ['with its MAC cut short', () => pending.token.slice(0, -1)],
  ['with its MAC in another spelling', () => `${pending.token}=`],
  ['with a part too many', () => `${pending.token}.x`],
  ['with nothing in it', () => '..'],
]

describe('a pending token', () => {
  const answerTo = async (token: string) => {
    const body = { temp_token: token, code: '000000', method: 'backup' }
    const answer = await server.call('POST', '/auth/mfa/verify', { body })
    return [answer.status, answer.body.code]
  }

  it('opens its attempt when it is made as ours are: what follows fails for the reason it names', async () => {
    expect(pendingMade()).toBe(pending.token)
    expect(await answerTo(pendingMade())).toEqual([401, 'invalid_code'])
  })

  it.each(forgedPendings)('%s is nothing', async (_, forge) => {
    expect(await answerTo(forge())).toEqual([401, 'invalid_token'])
  })

  it('is nothing where access tokens are asked for', async () => {
    for (const token of [pending.token, pendingMade({ header, claims })]) {
      const { status, body } = await server.call('GET', '/auth/me', { token })
      expect([status, body.code]).toEqual([401, 'invalid_token'])
    }
  })
})

describe('an API key', () => {
  it('is nothing once it is revoked, in another spelling, or cut short', async () => {
    const { pbx, erp } = server.keys
    const status = async (token: string) => (await server.call('GET', '/api/mfa/status/1', { token })).status
    const others = [pbx.slice(0, -1), `${pbx}x`, pbx.toUpperCase(), pbx.replace('spk_', 'spt_'), 'spk_']
    for (const other of others) expect(await status(other)).toBe(401)
    expect(await status(erp)).toBe(200)
    const listed = await sallyport(['apikey', 'list', ...server.where, '--json'])
    const { id } = JSON.parse(listed.out).keys.find(({ app }: { app: string }) => app === 'erp')
    expect((await sallyport(['apikey', 'revoke', id, ...server.where])).code).toBe(0)
    expect(await status(erp)).toBe(401)
    expect(await status(pbx)).toBe(200)
  })
})
