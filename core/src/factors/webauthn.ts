import * as z from 'zod'
import { SallyportError } from '../errors.ts'
import type { Enrolment } from '../store.ts'
import type { Factor, Spend } from './factor.ts'

/** Who credentials are for (Web Authentication, section 4), by configuration and never by a request. */
export interface RelyingParty {
  /** A domain: credentials made for it work there and on its subdomains. */
  id: string
  name: string
  /** The pages that may ask, each to the letter: scheme, host and port. */
  origins: readonly string[]
}

/** Why a response is refused. */
export type WebauthnFault =
  | 'malformed'
  | 'type'
  | 'challenge'
  | 'origin'
  | 'cross_origin'
  | 'rp_id'
  | 'user_presence'
  | 'user_verification'
  | 'backup_state'
  | 'credential'
  | 'signature'
  | 'attestation'

interface WebauthnClaim {
  /** As the browser made it. */
  response: unknown
  /** The one that was sent out; the response must name exactly this. */
  challenge: string
  rp: RelyingParty
  userVerification: boolean
}

interface AuthenticatorState {
  signCount: number
  userVerified: boolean
  /** Whether the credential may be copied to other devices, and whether it was. */
  backupEligible: boolean
  backedUp: boolean
}

export interface RegisteredCredential extends AuthenticatorState {
  credentialId: string
  /** COSE, as the authenticator gave it. */
  publicKey: Uint8Array
  aaguid: string
  /** The attestation statement's format; `none` where nothing was attested. */
  format: string
}

/** What checks the signatures; it keeps nothing. Whatever cannot be read is refused as malformed. */
export interface WebauthnVerifier {
  register(claim: WebauthnClaim): Promise<RegisteredCredential | { fault: WebauthnFault }>
  assert(
    claim: WebauthnClaim & { publicKey: Uint8Array },
  ): Promise<AuthenticatorState | { fault: WebauthnFault }>
}

/** Finds out whether a challenge is one that was sent out for this, and is still good. */
export interface WebauthnChallenges {
  issue(binding: string): Promise<string>
  /** The name that it is spent under, or `null`. */
  check(challenge: string, binding: string): Promise<string | null>
  /** 64 bytes that are always the same for the label, and that nobody else can tell from random ones. */
  derive(label: string): Promise<Buffer>
}

/** What a challenge for a sign-in without a password is bound to: nobody is known yet. */
export const passkeyBinding = 'passkey'

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)

const assertionShape = z.looseObject({
  id: base64url,
  rawId: base64url,
  type: z.literal('public-key'),
  response: z.looseObject({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.nullish(),
  }),
})

const settingsShape = z.looseObject({
  credential_id: z.string(),
  transports: z.array(z.string()),
  sign_count: z.number(),
  backup_eligible: z.boolean(),
})

export interface WebauthnFactorOptions {
  verifier: WebauthnVerifier
  challenges: WebauthnChallenges
  /** That of an application, or `null` where it has none. */
  relyingParty(application: string): Promise<RelyingParty | null>
  /** Whether the authenticator must have verified the person, by PIN or finger. A passkey always must. */
  userVerification: boolean
}

/** Passkeys and security keys: Web Authentication, section 7.2. */
export function createWebauthnFactor(options: WebauthnFactorOptions): Factor {
  const { verifier, challenges, relyingParty, userVerification } = options
  return {
    type: 'webauthn',
    unguessable: true,
    recovery: false,
    wellFormed(input, enrolment) {
      const { data } = assertionShape.safeParse(input)
      return data !== undefined && data.id === data.rawId && data.id === credentialOf(enrolment).credential_id
    },
    async verify({ enrolment, secret, input, asked, missed }) {
      const miss = (why: WebauthnFault) => {
        missed?.(why)
        return null
      }
      const { data: response } = assertionShape.safeParse(input)
      const stored = credentialOf(enrolment)
      if (response?.id !== stored.credential_id || !asked) return miss('credential')
      const handle = response.response.userHandle
      if (handle != null && subjectOfHandle(handle) !== enrolment.subjectId) return miss('credential')
      const challenge = sentChallenge(response.response.clientDataJSON)
      const name = challenge === null ? null : await challenges.check(challenge, asked.binding)
      if (challenge === null || name === null) return miss('challenge')
      const rp = await relyingParty(asked.application)
      if (!rp) return miss('rp_id')
      const found = await verifier.assert({
        ...{ response, challenge, rp, publicKey: secret },
        userVerification: userVerification || asked.binding === passkeyBinding,
      })
      if ('fault' in found) return miss(found.fault)
      // Section 7.2, step 20: a credential does not become one that is copied, nor cease to be one.
      if (found.backupEligible !== stored.backup_eligible) return miss('backup_state')
      const { signCount, userVerified, backedUp } = found
      const spends: Spend[] = [{ kind: 'once', key: name }]
      // Section 7.2, step 22: those that do not count always send 0; any other value must rise.
      if (signCount > 0 || stored.sign_count > 0) spends.push(counterSpend(enrolment.id, signCount))
      return {
        spends,
        detail: { user_verified: userVerified, sign_count: signCount },
        remember: { sign_count: signCount, backed_up: backedUp },
      }
    },
  }
}

/** A count that does not rise means two authenticators with one key: the copy and the original look alike. */
export function counterSpend(enrolmentId: string, value: number): Spend {
  return { kind: 'raise', key: `webauthn:count:${enrolmentId}`, value, staleMeansCopied: true }
}

/** What an enrolment keeps in the clear, as it was registered. */
export function credentialOf({ id, settings }: Enrolment): z.output<typeof settingsShape> {
  const { data } = settingsShape.safeParse(settings)
  if (data) return data
  throw new SallyportError('store_damaged', `the security key of enrolment ${id} has unusable settings`)
}

/** What authenticators know a subject by: 64 bytes at most, and nothing personal in it. */
export function userHandle(subjectId: string): string {
  return Buffer.from(subjectId).toString('base64url')
}

function subjectOfHandle(handle: string): string {
  return Buffer.from(handle, 'base64url').toString()
}

/** The challenge that a response says it answers; what that is worth is for others to judge. */
export function sentChallenge(clientDataJson: string): string | null {
  try {
    const data = JSON.parse(Buffer.from(clientDataJson, 'base64url').toString()) as unknown
    const challenge = (data as { challenge?: unknown } | null)?.challenge
    return typeof challenge === 'string' ? challenge : null
  } catch {
    return null
  }
}
