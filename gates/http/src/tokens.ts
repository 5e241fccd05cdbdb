import { type KeyObject, timingSafeEqual } from 'node:crypto'
import { type Attempt, type Clock, hmac, type Session, type SigningKeys, type Subject } from '@sallyport/core'
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

const accessAlgorithm = 'ES256'
/** Nobody but these nodes reads a pending token: a MAC says as much, at a tenth of what signing and checking take. */
const pendingAlgorithm = 'HS256'
// RFC 8725, section 3.11: the type is part of what is checked, so that no token passes for another kind.
const accessType = 'at+jwt'
const pendingType = 'mfa+jwt'

class UnknownKey extends Error {}

export function createTokens(options: { keys: SigningKeys; issuer: string; clock: Clock }): Tokens {
  const { keys, issuer, clock } = options
  const pendingAudience = `${issuer}/mfa`
  const seconds = () => Math.floor(clock.now() / 1_000)

  async function findKey(kid: string | undefined): Promise<KeyObject> {
    const key = kid === undefined ? null : await keys.find(kid)
    if (!key) throw new UnknownKey()
    return key.publicKey
  }

  async function verifyAccess(token: string) {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => findKey(kid), {
        algorithms: [accessAlgorithm],
        issuer,
        audience: issuer,
        typ: accessType,
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
    async issueAccess(session, subject) {
      const { kid, privateKey } = await keys.current()
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
      const now = seconds()
      return new SignJWT(claims)
        .setProtectedHeader({ alg: accessAlgorithm, kid, typ: accessType })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setIssuedAt(now)
        .setExpirationTime(now + accessLifetime)
        .sign(privateKey)
    },
    async readAccess(token) {
      const claims = await verifyAccess(token)
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
    async issuePending(attempt) {
      const { kid, pendingKey } = await keys.current()
      const lifetime = Math.max(1, Math.floor((attempt.expiresAt - clock.now()) / 1_000))
      const iat = seconds()
      const claims = { sub: attempt.subjectId, mfa_challenge: attempt.id, iss: issuer, aud: pendingAudience }
      const input = `${pendingHeader(kid)}.${encode({ ...claims, iat, exp: iat + lifetime })}`
      return `${input}.${macOf(input, pendingKey)}`
    },
    async readPending(token) {
      const [header = '', body = '', mac = ''] = token.split('.')
      const kid = kidOf(header)
      const key = kid === null ? null : await keys.find(kid)
      const input = `${pendingHeader(key?.kid ?? '')}.${body}`
      // The token as it would have been written here, to the letter: no other spelling of it is one.
      if (!key || token !== `${input}.${mac}` || !sameText(mac, macOf(input, key.pendingKey))) return null
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
      const meant = claims.iss === issuer && claims.aud === pendingAudience && seconds() < claims.exp
      return meant ? { attemptId: claims.mfa_challenge } : null
    },
    async keySet() {
      const published = await keys.published()
      const publicKeys = published.map(async ({ kid, publicKey }) => {
        return { ...(await exportJWK(publicKey)), kid, alg: accessAlgorithm, use: 'sig' }
      })
      return { keys: await Promise.all(publicKeys) }
    },
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function pendingHeader(kid: string): string {
  return encode({ alg: pendingAlgorithm, kid, typ: pendingType })
}

function kidOf(header: string): string | null {
  try {
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
    return typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}

function macOf(input: string, key: Uint8Array): string {
  return hmac('sha256', key, Buffer.from(input)).toString('base64url')
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
