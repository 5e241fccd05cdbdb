import { credentialOf, type RelyingParty, userHandle } from '../factors/webauthn.ts'
import type { Enrolment, Subject } from '../store.ts'

export type UserVerification = 'required' | 'preferred' | 'discouraged'

/** A credential as a page names it to the browser. */
export interface CredentialDescriptor {
  type: 'public-key'
  id: string
  transports?: string[]
}

/** `PublicKeyCredentialCreationOptionsJSON` (Web Authentication, section 5.1.9), as far as it is used. */
export interface CreationOptions {
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  challenge: string
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  timeout: number
  excludeCredentials: CredentialDescriptor[]
  authenticatorSelection: {
    residentKey: 'preferred'
    requireResidentKey: false
    userVerification: UserVerification
  }
  attestation: 'none' | 'direct'
  extensions: { credProps: true }
}

/** `PublicKeyCredentialRequestOptionsJSON`, as far as it is used. */
export interface RequestOptions {
  challenge: string
  rpId: string
  allowCredentials: CredentialDescriptor[]
  timeout: number
  userVerification: UserVerification
}

/** ES256, EdDSA, ES384, ES512, RS256 (IANA COSE algorithms), the one to take first at the front. */
export const webauthnAlgorithms = [-7, -8, -35, -36, -257]

export function creationOptions(wanted: {
  rp: RelyingParty
  subject: Subject
  account: string
  challenge: string
  timeout: number
  held: readonly Enrolment[]
  userVerification: UserVerification
  attestation: 'none' | 'direct'
}): CreationOptions {
  const { rp, subject, account, challenge, timeout, held, userVerification, attestation } = wanted
  return {
    rp: { id: rp.id, name: rp.name },
    user: { id: userHandle(subject.id), name: account, displayName: account },
    ...{ challenge, timeout, attestation },
    pubKeyCredParams: webauthnAlgorithms.map((alg) => ({ type: 'public-key', alg })),
    excludeCredentials: held.map(describeCredential),
    // Discoverable where the authenticator can: then it signs in without a name being typed.
    authenticatorSelection: { residentKey: 'preferred', requireResidentKey: false, userVerification },
    extensions: { credProps: true },
  }
}

export function describeCredential(enrolment: Enrolment): CredentialDescriptor {
  const { credential_id: id, transports } = credentialOf(enrolment)
  return { type: 'public-key', id, ...(transports.length > 0 && { transports }) }
}
