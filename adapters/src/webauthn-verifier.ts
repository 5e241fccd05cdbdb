import { createHash } from 'node:crypto'
import { type WebauthnFault, type WebauthnVerifier, webauthnAlgorithms } from '@sallyport/core'

/** Loaded with the first response: whoever has no security keys need not wait for it at every start. */
let loaded: Promise<typeof import('@simplewebauthn/server')> | undefined
const library = () => (loaded ??= import('@simplewebauthn/server'))
const helpers = () => import('@simplewebauthn/server/helpers')

type Claim = Parameters<WebauthnVerifier['register']>[0]

interface Parts {
  id: string
  response: Record<string, string>
}

/** Web Authentication, sections 7.1 and 7.2, by SimpleWebAuthn; what it refuses without a code is coded here. */
export function createWebauthnVerifier(): WebauthnVerifier {
  return {
    async register(claim) {
      const fault = judgeClientData(claim, 'webauthn.create')
      if (fault) return { fault }
      return readable(async () => {
        const { decodeAttestationObject, isoBase64URL } = await helpers()
        const object = isoBase64URL.toBuffer(partsOf(claim).response.attestationObject!)
        const data = decodeAttestationObject(object).get('authData')
        const refused = judgeAuthenticatorData(claim, data)
        if (refused) return { fault: refused } as const
        const { verifyRegistrationResponse } = await library()
        const verified = verifyRegistrationResponse({
          ...expected(claim),
          supportedAlgorithmIDs: webauthnAlgorithms,
        })
        // What is left to go wrong is what the authenticator says of itself and of its key.
        const made = (await verified.catch(() => null))?.registrationInfo
        if (!made) return { fault: 'attestation' } as const
        const { credential, aaguid, fmt: format } = made
        if (credential.id !== partsOf(claim).id) return { fault: 'credential' } as const
        // Section 7.1, step 26
        if (Buffer.from(credential.id, 'base64url').length > 1023) return { fault: 'credential' } as const
        return {
          ...{ credentialId: credential.id, publicKey: credential.publicKey, aaguid, format },
          ...stateOf(data),
        }
      })
    },

    async assert(claim) {
      const fault = judgeClientData(claim, 'webauthn.get')
      if (fault) return { fault }
      return readable(async () => {
        const { id, response } = partsOf(claim)
        const data = Buffer.from(response.authenticatorData!, 'base64url')
        const refused = judgeAuthenticatorData(claim, data)
        if (refused) return { fault: refused } as const
        const { verifyAuthenticationResponse } = await library()
        const { verified } = await verifyAuthenticationResponse({
          ...expected(claim),
          // How far the count has come is for the store to judge, in the commit that raises it.
          credential: { id, publicKey: new Uint8Array(claim.publicKey), counter: 0 },
        })
        return verified ? stateOf(data) : ({ fault: 'signature' } as const)
      })
    },
  }
}

/** The library throws at whatever it cannot read, and at much that it can. None of it is accepted. */
async function readable<T>(work: () => Promise<T>): Promise<T | { fault: WebauthnFault }> {
  try {
    return await work()
  } catch {
    return { fault: 'malformed' }
  }
}

function partsOf({ response }: Claim): Parts {
  return response as Parts
}

// biome-ignore lint/suspicious/noExplicitAny: the library checks what it is given, whatever its type says
function expected({ response, challenge, rp, userVerification }: Claim): any {
  return {
    ...{ response, expectedChallenge: challenge, expectedOrigin: [...rp.origins], expectedRPID: rp.id },
    requireUserVerification: userVerification,
  }
}

/** Sections 7.1 and 7.2, steps 5 to 13. Every comparison is to the letter. */
function judgeClientData(claim: Claim, type: string): WebauthnFault | null {
  const { challenge, rp } = claim
  let data: Record<string, unknown>
  try {
    data = JSON.parse(Buffer.from(partsOf(claim).response.clientDataJSON!, 'base64url').toString())
  } catch {
    return 'malformed'
  }
  if (typeof data !== 'object' || data === null) return 'malformed'
  if (data.type !== type) return 'type'
  if (data.challenge !== challenge) return 'challenge'
  if (typeof data.origin !== 'string' || !rp.origins.includes(data.origin)) return 'origin'
  // No page of another's may hold ours in a frame and ask there.
  if ((data.crossOrigin ?? false) !== false || data.topOrigin !== undefined) return 'cross_origin'
  return null
}

const flag = { userPresent: 0x01, userVerified: 0x04, backupEligible: 0x08, backedUp: 0x10 }

/** Section 6.1: 32 bytes hash of the RP id, a byte of flags, 4 bytes of count, then what need not be there. */
function judgeAuthenticatorData({ rp, userVerification }: Claim, data: Uint8Array): WebauthnFault | null {
  if (data.length < 37) return 'malformed'
  const flags = data[32]!
  if (!createHash('sha256').update(rp.id).digest().equals(data.subarray(0, 32))) return 'rp_id'
  if (!(flags & flag.userPresent)) return 'user_presence'
  if (userVerification && !(flags & flag.userVerified)) return 'user_verification'
  // Step 17 and 18: what cannot be backed up is not backed up.
  if (flags & flag.backedUp && !(flags & flag.backupEligible)) return 'backup_state'
  return null
}

function stateOf(data: Uint8Array) {
  const flags = data[32]!
  return {
    signCount: new DataView(data.buffer, data.byteOffset).getUint32(33),
    userVerified: (flags & flag.userVerified) !== 0,
    backupEligible: (flags & flag.backupEligible) !== 0,
    backedUp: (flags & flag.backedUp) !== 0,
  }
}
