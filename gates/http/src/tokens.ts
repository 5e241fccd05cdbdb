import type { KeyObject } from 'node:crypto'
import type { Attempt, Clock, Session, SigningKeys, Subject } from '@sallyport/core'
import { errors, exportJWK, type JWK, jwtVerify, SignJWT } from 'jose'

export const accessLifetime = 15 * 60

export interface AccessClaims {
  sessionId: string
  subjectId: string
  role: string
  factors: readonly string[]
  authTime: number
  issuedAt: number
  expiresAt: number
}

export interface Tokens {
  /** For a session: 15 minutes, checkable by anybody with the key set. */
  issueAccess(session: Session, subject: Subject): Promise<string>
  readAccess(token: string): Promise<AccessClaims | null>
  /** For an attempt that is not complete: opens the MFA routes of that attempt, and nothing else (P4). */
  issuePending(attempt: Attempt): Promise<string>
  readPending(token: string): Promise<{ attemptId: string } | null>
  /** The public keys, as `/.well-known/jwks.json` serves them. */
  keySet(): Promise<{ keys: JWK[] }>
}

const algorithm = 'ES256'
// RFC 8725, section 3.11: the type is part of what is checked, so that no token passes for another kind.
const accessType = 'at+jwt'
const pendingType = 'mfa+jwt'

class UnknownKey extends Error {}

export function createTokens(options: { keys: SigningKeys; issuer: string; clock: Clock }): Tokens {
  const { keys, issuer, clock } = options

  async function sign(
    claims: Record<string, unknown>,
    token: { type: string; audience: string; lifetime: number },
  ) {
    const now = Math.floor(clock.now() / 1_000)
    const { kid, privateKey } = await keys.current()
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid, typ: token.type })
      .setIssuer(issuer)
      .setAudience(token.audience)
      .setIssuedAt(now)
      .setExpirationTime(now + token.lifetime)
      .sign(privateKey)
  }

  async function findKey(kid: string | undefined): Promise<KeyObject> {
    const key = kid === undefined ? null : await keys.find(kid)
    if (!key) throw new UnknownKey()
    return key.publicKey
  }

  async function read(token: string, expected: { type: string; audience: string }) {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => findKey(kid), {
        algorithms: [algorithm],
        issuer,
        audience: expected.audience,
        typ: expected.type,
        currentDate: new Date(clock.now()),
        requiredClaims: ['sub', 'iat', 'exp'],
      })
      return payload
    } catch (error) {
      // Whatever is wrong with it, it is nobody's token; but a store that does not answer is no verdict.
      if (error instanceof errors.JOSEError || error instanceof UnknownKey) return null
      throw error
    }
  }

  return {
    issueAccess(session, subject) {
      const claims = {
        sub: subject.id,
        sid: session.id,
        role: subject.role,
        company: subject.company,
        amr: session.factors,
        acr: session.provedAt === null ? 'aal1' : 'aal2',
        auth_time: Math.floor(session.authTime / 1_000),
        ...(session.kind === 'enrolling' ? { scope: 'enrol' } : {}),
      }
      return sign(claims, { type: accessType, audience: issuer, lifetime: accessLifetime })
    },
    async readAccess(token) {
      const claims = await read(token, { type: accessType, audience: issuer })
      if (!claims || typeof claims.sid !== 'string' || typeof claims.sub !== 'string') return null
      return {
        sessionId: claims.sid,
        subjectId: claims.sub,
        role: String(claims.role),
        factors: Array.isArray(claims.amr) ? claims.amr.map(String) : [],
        authTime: Number(claims.auth_time) * 1_000,
        issuedAt: claims.iat! * 1_000,
        expiresAt: claims.exp! * 1_000,
      }
    },
    issuePending(attempt) {
      const lifetime = Math.max(1, Math.floor((attempt.expiresAt - clock.now()) / 1_000))
      const claims = { sub: attempt.subjectId, mfa_challenge: attempt.id }
      return sign(claims, { type: pendingType, audience: `${issuer}/mfa`, lifetime })
    },
    async readPending(token) {
      const claims = await read(token, { type: pendingType, audience: `${issuer}/mfa` })
      return typeof claims?.mfa_challenge === 'string' ? { attemptId: claims.mfa_challenge } : null
    },
    async keySet() {
      const published = await keys.published()
      const publicKeys = published.map(async ({ kid, publicKey }) => {
        return { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }
      })
      return { keys: await Promise.all(publicKeys) }
    },
  }
}
