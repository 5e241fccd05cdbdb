import { generateKeyPairSync } from 'node:crypto'
import type { Session, SigningKey, SigningKeys, Subject } from '@sallyport/core'
import { importJWK, jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { createTokens } from './tokens.ts'

const now = 1_700_000_000_000
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key: SigningKey = { kid: 'one', privateKey, publicKey, pendingKey: new Uint8Array(32) }
const keys: SigningKeys = { current: async () => key, find: async () => key, published: async () => [key] }
const tokens = createTokens({ keys, issuer: 'https://login.example.org', clock: { now: () => now } })

it('signs as the standard says, also where a number of the signature is short', async () => {
  const subject = { id: 'subject', role: 'user', company: null } as Subject
  const session: Session = {
    ...{ id: 'session', subjectId: 'subject', kind: 'full', factors: ['totp'] },
    ...{ createdAt: now, expiresAt: now + 1, authTime: now, provedAt: now, revokedAt: null },
    ...{ address: null, userAgent: null },
  }
  const [jwk] = (await tokens.keySet()).keys
  const published = await importJWK(jwk!)
  let short = 0
  // One signature in 128 has a number that begins with a zero byte.
  for (let count = 0; count < 2_000 || short === 0; count++) {
    const token = await tokens.issueAccess(session, subject)
    const signature = Buffer.from(token.split('.')[2]!, 'base64url')
    if (signature[0] === 0 || signature[32] === 0) short++
    else if (count > 20) continue
    const { payload, protectedHeader } = await jwtVerify(token, published, { currentDate: new Date(now) })
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    expect(payload).toMatchObject({ sub: 'subject', sid: 'session', amr: ['totp'], acr: 'aal2' })
  }
})
