import { z } from 'zod'

/** What browsers make of `PublicKeyCredential.toJSON()`; a later one may add to it. */

const bytes = (most: number) => z.string().min(1).max(most)
const id = bytes(1_400).meta({ description: 'the credential id, base64url' })
const kind = z.string().max(32)

/** The answer of `navigator.credentials.get()`. */
export const assertion = z
  .looseObject({
    id,
    rawId: id,
    type: kind,
    response: z.looseObject({
      clientDataJSON: bytes(16_384),
      authenticatorData: bytes(16_384),
      signature: bytes(16_384),
      userHandle: z.string().max(128).nullish(),
    }),
  })
  .meta({ description: 'AuthenticationResponseJSON' })

/** The answer of `navigator.credentials.create()`. */
export const attestation = z
  .looseObject({
    id,
    rawId: id,
    type: kind,
    response: z.looseObject({ clientDataJSON: bytes(16_384), attestationObject: bytes(60_000) }),
  })
  .meta({ description: 'RegistrationResponseJSON' })

const verification = z.enum(['required', 'preferred', 'discouraged'])

const descriptor = z.object({
  type: z.literal('public-key'),
  id: z.string(),
  transports: z.array(z.string()).optional(),
})

/** Goes into `PublicKeyCredential.parseRequestOptionsFromJSON()`. */
export const requestOptions = z.object({
  challenge: z.string(),
  rpId: z.string(),
  allowCredentials: z.array(descriptor),
  timeout: z.number().int(),
  userVerification: verification,
})

/** Goes into `PublicKeyCredential.parseCreationOptionsFromJSON()`. */
export const creationOptions = z.object({
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  challenge: z.string(),
  pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.number().int() })),
  timeout: z.number().int(),
  excludeCredentials: z.array(descriptor),
  authenticatorSelection: z.object({
    residentKey: z.string(),
    requireResidentKey: z.boolean(),
    userVerification: verification,
  }),
  attestation: z.enum(['none', 'direct']),
  extensions: z.object({ credProps: z.boolean() }),
})
