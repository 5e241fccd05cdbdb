import { z } from 'zod'
import { authRoutes } from './auth-routes.ts'
import { defineRoutes, type Route } from './route.ts'
import { email, grant, nothing, tempToken } from './shapes.ts'
import { assertion, attestation, creationOptions, requestOptions } from './webauthn-shapes.ts'

const none = nothing
const name = z.string().min(1).max(64)

/** Passkeys and security keys, for people and their browsers. */
export const webauthnRoutes = defineRoutes({
  options: {
    method: 'POST',
    path: '/auth/mfa/webauthn/options',
    summary: 'What a browser is asked for: to pass a step, or with a bearer token to prove on the spot.',
    access: 'pending',
    params: none,
    query: none,
    body: z.strictObject({ temp_token: tempToken.optional() }),
    answer: requestOptions,
    problems: ['invalid_token', 'nothing_enrolled', 'csrf_refused', 'forbidden'],
  },
  enrol: {
    method: 'POST',
    path: '/auth/mfa/enroll/webauthn/options',
    summary: 'Begin to register a passkey or security key.',
    access: 'enrolling',
    params: none,
    query: none,
    body: z.strictObject({ name: name.optional() }),
    answer: creationOptions,
    problems: ['invalid_token', 'step_up_required', 'not_found', 'webauthn_unavailable'],
  },
  confirm: {
    method: 'POST',
    path: '/auth/mfa/enroll/webauthn/verify',
    summary: 'Register what the authenticator made. A first factor brings backup codes.',
    access: 'enrolling',
    params: none,
    query: none,
    body: z.strictObject({ response: attestation }),
    answer: authRoutes.confirmEnrolment.answer.extend({
      credential_id: z.string(),
      backup_codes: z.array(z.string()).optional(),
    }),
    problems: ['invalid_token', 'invalid_code', 'nothing_pending', 'not_found', 'webauthn_unavailable'],
  },
  passkeyOptions: {
    method: 'POST',
    path: '/auth/passkey/options',
    summary: 'Begin to sign in by a passkey alone; with an address, also by one that knows no names.',
    access: 'public',
    params: none,
    query: none,
    body: z.strictObject({ email: email.optional() }),
    answer: requestOptions,
    problems: ['denied'],
  },
  passkeyVerify: {
    method: 'POST',
    path: '/auth/passkey/verify',
    summary: 'Sign in by a passkey alone, where the policy says that one passes the whole chain.',
    access: 'public',
    params: none,
    query: none,
    body: z.strictObject({ response: assertion }),
    answer: grant,
    problems: ['invalid_code', 'denied'],
  },
} as const satisfies Record<string, Route>)
