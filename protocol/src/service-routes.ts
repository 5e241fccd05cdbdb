import { z } from 'zod'
import { defineRoutes, type Route } from './route.ts'
import { code, digits, nothing, oneProof, oneProofFault, proof, time } from './shapes.ts'
import { attestation, creationOptions, requestOptions } from './webauthn-shapes.ts'

const name = z.string().min(1).max(254)

/** The application's own id of a subject, under either of its two names. */
export const naming = {
  extension: name.optional().meta({ description: "the application's own id of the subject" }),
  subject: name.optional().meta({ description: 'another name for extension' }),
}

type Names = { extension?: string | undefined; subject?: string | undefined }
export const oneName = ({ extension, subject }: Names) =>
  (extension === undefined) !== (subject === undefined)
export const oneNameFault = { path: ['extension'], message: 'exactly one of extension and subject is needed' }

const named = z.strictObject({ extension: name })
const none = nothing
const done = z.object({ success: z.literal(true) })

const method = z.enum(['totp', 'email', 'backup', 'yubikey', 'webauthn'])
const clientIp = z
  .string()
  .max(64)
  .meta({ description: "the address the person comes from, not the application's" })

const device = z.object({ device_name: z.string(), enrolled_at: time, last_used: time.nullable() })

/** `/api/mfa`: for applications that own their users. */
export const serviceRoutes = defineRoutes({
  enrol: {
    method: 'POST',
    path: '/api/mfa/enroll',
    summary: 'Register an authenticator, pending until one of its codes is confirmed.',
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z
      .strictObject({
        ...naming,
        account_name: z.string().min(1).max(128).optional().meta({
          description: "what the authenticator shows; the subject's id when absent",
        }),
        email: z.email().max(254).optional().meta({
          description: 'an address that the application has verified, for codes by mail',
        }),
      })
      .refine(oneName, oneNameFault),
    answer: done.extend({
      secret: z.string(),
      provisioning_uri: z.string(),
      qr_code: z.string(),
      backup_codes: z.array(z.string()),
    }),
    problems: ['step_up_required', 'already_exists', 'not_found'],
  },
  confirm: {
    method: 'POST',
    path: '/api/mfa/verify-enrollment',
    summary: 'Confirm the newest pending authenticator by one of its codes.',
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z.strictObject({ ...naming, code }).refine(oneName, oneNameFault),
    answer: done,
    problems: ['invalid_code', 'nothing_pending', 'locked'],
  },
  enrolFido2: {
    method: 'POST',
    path: '/api/mfa/enroll-fido2',
    summary:
      'Register a passkey or security key: with a name to begin, then with what the browser made of it.',
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z
      .strictObject({
        ...naming,
        device_name: z.string().min(1).max(64).optional(),
        response: attestation.optional(),
      })
      .refine(oneName, oneNameFault)
      .refine((body) => (body.device_name === undefined) !== (body.response === undefined), {
        path: ['device_name'],
        message: 'exactly one of device_name and response is needed',
      }),
    answer: z.union([creationOptions, done.extend({ credential_id: z.string() })]),
    problems: ['step_up_required', 'invalid_code', 'nothing_pending', 'not_found', 'webauthn_unavailable'],
  },
  verify: {
    method: 'POST',
    path: '/api/mfa/verify',
    summary: "Verify a subject's code; without a method, every kind whose codes look like this one counts.",
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z
      .strictObject({ ...naming, ...proof, method: method.optional(), client_ip: clientIp.optional() })
      .refine(oneName, oneNameFault)
      .refine(
        (body) => oneProof({ ...body, method: body.response ? 'webauthn' : body.method }),
        oneProofFault,
      ),
    answer: done.extend({ method }),
    problems: ['invalid_code', 'locked', 'yubikey_unavailable'],
  },
  disable: {
    method: 'POST',
    path: '/api/mfa/disable',
    summary: 'Remove every factor of a subject: by a code, or with the scope admin and a reason.',
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z
      .strictObject({
        ...naming,
        ...proof,
        method: method.optional(),
        reason: z.string().trim().min(1).max(200).optional(),
      })
      .refine(oneName, oneNameFault)
      .refine(
        ({ code, response, reason }) =>
          [code, response, reason].filter((one) => one !== undefined).length === 1,
        {
          path: ['code'],
          message: 'exactly one of code, response and reason is needed',
        },
      )
      .refine((body) => body.method === undefined || body.reason === undefined, {
        path: ['method'],
        message: 'only together with code or response',
      }),
    answer: done,
    problems: ['invalid_code', 'locked', 'not_found', 'yubikey_unavailable'],
  },
  challenge: {
    method: 'POST',
    path: '/api/mfa/challenge',
    summary: "Mail a code to the subject's verified address, or ask for one of its security keys.",
    access: 'key:mfa:write',
    params: none,
    query: none,
    body: z.strictObject({ ...naming, method: z.enum(['email', 'webauthn']) }).refine(oneName, oneNameFault),
    answer: z.union([
      done.extend({ method: z.literal('email'), expires_in_minutes: z.number().int() }),
      requestOptions,
    ]),
    problems: ['nothing_enrolled', 'too_many_attempts'],
  },
  status: {
    method: 'GET',
    path: '/api/mfa/status/:extension',
    summary: 'Whether a subject has factors; one that was never heard of has none.',
    access: 'key:mfa:read',
    params: named,
    query: none,
    body: none,
    answer: z.object({
      enabled: z.boolean(),
      required: z.boolean(),
      enrolled_at: time.nullable(),
      last_verified_at: time.nullable(),
      methods: z.array(method),
      backup_codes_remaining: z.number().int(),
      digits,
    }),
    problems: [],
  },
  methods: {
    method: 'GET',
    path: '/api/mfa/methods/:extension',
    summary: 'What a subject has enrolled, kind by kind.',
    access: 'key:mfa:read',
    params: named,
    query: none,
    body: none,
    answer: z.object({
      methods: z.object({
        totp: z.object({
          enabled: z.boolean(),
          name: z.string().nullable(),
          enrolled_at: time.nullable(),
          last_used: time.nullable(),
        }),
        yubikeys: z.array(device.extend({ public_id: z.string() })),
        fido2: z.array(device.extend({ credential_id: z.string() })),
        backup_codes: z.object({ remaining: z.number().int() }),
      }),
    }),
    problems: [],
  },
  erase: {
    method: 'DELETE',
    path: '/api/mfa/subjects/:extension',
    summary: 'Erase a subject and all that is stored about it; the ledger keeps a pseudonym.',
    access: 'key:mfa:write',
    params: named,
    query: none,
    body: none,
    answer: done,
    problems: ['not_found'],
  },
  export: {
    method: 'GET',
    path: '/api/mfa/subjects/:extension/export',
    summary: 'All that is stored about a subject, without its secrets; its ledger entries in pages.',
    access: 'key:mfa:read',
    params: named,
    query: z.strictObject({
      after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    body: none,
    answer: z.object({
      extension: z.string(),
      id: z.string().meta({ description: 'the pseudonym that the ledger knows the subject by' }),
      aliases: z.array(z.string()),
      email: z.string().nullable(),
      email_verified_at: time.nullable(),
      created_at: time,
      required_since: time.nullable(),
      factors: z.array(
        z.object({
          id: z.string(),
          type: z.string(),
          name: z.string(),
          status: z.enum(['pending', 'active', 'revoked']),
          settings: z.record(z.string(), z.unknown()),
          created_at: time,
          enrolled_at: time.nullable(),
          revoked_at: time.nullable(),
          last_used: time.nullable(),
        }),
      ),
      backup_codes_remaining: z.number().int(),
      guesses: z.object({
        wrong_in_a_row: z.number().int(),
        recent: z.array(time),
        locked_until: time.nullable(),
      }),
      ledger: z.object({
        entries: z.array(z.record(z.string(), z.unknown())),
        next: z.number().int().nullable().meta({ description: 'goes into after for the following page' }),
      }),
    }),
    problems: ['not_found'],
  },
} as const satisfies Record<string, Route>)
