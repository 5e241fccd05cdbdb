import { z } from 'zod'
import { enrolled } from './auth-routes.ts'
import { defineRoutes, type Route } from './route.ts'
import { naming, oneName, oneNameFault } from './service-routes.ts'
import { code, nothing } from './shapes.ts'

const publicId = z.string().meta({ description: 'the first 12 letters of whatever the key types' })

/** Registering YubiKeys, and validating what they type for other programs. */
export const yubikeyRoutes = defineRoutes({
  enrol: {
    method: 'POST',
    path: '/auth/mfa/enroll/yubikey',
    summary: 'Register a YubiKey by an OTP that it just typed.',
    access: 'enrolling',
    params: nothing,
    query: nothing,
    body: z.strictObject({ otp: code, name: z.string().min(1).max(64).optional() }),
    answer: enrolled.extend({ enrolment_id: z.string(), public_id: publicId }),
    problems: [
      'invalid_token',
      'invalid_code',
      'step_up_required',
      'already_exists',
      'locked',
      'not_found',
      'forbidden',
      'yubikey_unavailable',
    ],
  },
  enrolForSubject: {
    method: 'POST',
    path: '/api/mfa/enroll-yubikey',
    summary: 'Register a YubiKey of a subject by an OTP that it just typed.',
    access: 'key:mfa:write',
    params: nothing,
    query: nothing,
    body: z
      .strictObject({ ...naming, otp: code, device_name: z.string().min(1).max(64).optional() })
      .refine(oneName, oneNameFault),
    answer: z.object({ success: z.literal(true), public_id: publicId }),
    problems: [
      'invalid_code',
      'step_up_required',
      'already_exists',
      'locked',
      'not_found',
      'yubikey_unavailable',
    ],
  },
  validate: {
    method: 'GET',
    path: '/wsapi/2.0/verify',
    summary: "Validate an OTP for another program, by Yubico's validation protocol 2.0.",
    access: 'public',
    params: nothing,
    // Whatever else is sent is part of what is signed; what is missing is said in the protocol's own words.
    query: z.looseObject({
      id: z.string().optional(),
      otp: z.string().optional(),
      nonce: z.string().optional(),
      h: z.string().optional().meta({ description: 'HMAC-SHA-1 over all the others, in base64' }),
      timestamp: z.string().optional(),
      sl: z.string().optional(),
      timeout: z.string().optional(),
    }),
    body: nothing,
    answer: z.string().meta({ description: 'lines of name=value, signed with the key of the client' }),
    media: 'text/plain',
    problems: [],
  },
} as const satisfies Record<string, Route>)
