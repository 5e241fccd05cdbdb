import { z } from 'zod'
import { assertion } from './webauthn-shapes.ts'

/** Pieces that several routes share. Times on the wire are ISO 8601 in UTC. */

export const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC' })

export const email = z.string().min(3).max(254)

/** Exactly what was typed: a code of the wrong shape is a wrong guess, not a bad request. */
export const code = z.string()

export const method = z.enum(['totp', 'email', 'backup', 'yubikey', 'webauthn'])

/** What an attempt that has begun is held by. */
export const tempToken = z.string().min(1).max(4096)

/** A proof: what was typed, or what a security key answered. */
export const proof = { code: code.optional(), response: assertion.optional() }

type Proof = { code?: unknown; response?: unknown; method?: unknown }

export const oneProof = ({ code, response, method: named }: Proof) =>
  response === undefined ? code !== undefined : code === undefined && named === 'webauthn'

export const oneProofFault = {
  path: ['code'],
  message: 'exactly one of code and response is needed, and response goes with method webauthn',
}

export const nothing = z.strictObject({})

/** A page of a list: `next` goes into `after` for the following one. */
export function page<T extends z.ZodType>(items: T) {
  return z.object({ items: z.array(items), next: z.string().nullable() })
}

export const paging = {
  after: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
}

/** Of lists in the order of their numbers. */
export const numberedPaging = {
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'is not one that this list gave out')
    .optional(),
  limit: paging.limit,
}

export const success = z.object({ success: z.literal(true), message: z.string() })

/** Absent where all have six, as most do. */
export const digits = z
  .array(z.number().int())
  .optional()
  .meta({ description: 'how many digits the codes of the authenticators have, where any has not six' })

/** Where an attempt stands: `expected` are the methods that the current step accepts. */
export const chain = z.object({
  step: z.number().int().min(1),
  of: z.number().int().min(1),
  label: z.string(),
  expected: z.array(method),
  digits,
})

/** A completed sign-in. */
/** A browser that may leave out the second factor at sign-in. */
export const device = z.object({
  id: z.string(),
  name: z.string(),
  address: z.string().nullable(),
  created_at: time,
  last_used_at: time,
  expires_at: time,
})

export const grant = z.object({
  mfa_required: z.literal(false),
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.number().int(),
  /** Absent where an earlier one goes on being good. */
  refresh_token: z.string().optional(),
  user_id: z.string(),
  company_id: z.string().nullable(),
  role: z.string(),
  grace_until: time.nullable().optional(),
})
