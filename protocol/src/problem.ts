import type { ErrorCode, Fault } from '@sallyport/core'

/** What can go wrong on the wire besides what the core throws. */
export type WireCode =
  | 'not_found'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'not_ready'
  | 'internal'
  // signing in, and what is open to whom
  | 'invalid_credentials'
  | 'invalid_token'
  | 'invalid_api_key'
  | 'forbidden'
  | 'csrf_refused'
  | 'denied'
  | 'ip_blocked'
  | 'invalid_code'
  | 'chain_reset'
  | 'locked'
  | 'too_many_attempts'
  | 'busy'
  | 'step_up_required'
  | 'mfa_enforced'
  | 'nothing_pending'
  | 'nothing_enrolled'
  | 'password_unfit'
  | 'last_admin'
  | 'webauthn_unavailable'

export type ProblemCode = ErrorCode | WireCode

/** The one place where a code becomes an HTTP status. */
const statuses: Record<ProblemCode, number> = {
  invalid_input: 400,
  policy_invalid: 400,
  config_invalid: 400,
  not_found: 404,
  method_not_allowed: 405,
  already_exists: 409,
  payload_too_large: 413,
  chain_breached: 409,
  chain_not_started: 409,
  chain_complete: 409,
  attempt_altered: 400,
  integrity_key_required: 503,
  vault_key_unreadable: 503,
  vault_wrong_key: 503,
  vault_key_unknown: 503,
  vault_sealed_damaged: 503,
  fips_unavailable: 503,
  store_unavailable: 503,
  store_damaged: 503,
  store_schema_newer: 503,
  store_conflict: 503,
  ledger_damaged: 503,
  recording_failed: 503,
  recording_damaged: 503,
  storage_exhausted: 503,
  mail_unavailable: 503,
  mail_refused: 503,
  siem_unavailable: 503,
  yubikey_unavailable: 503,
  not_ready: 503,
  internal: 500,
  invalid_credentials: 401,
  invalid_token: 401,
  invalid_api_key: 401,
  forbidden: 403,
  csrf_refused: 403,
  denied: 403,
  ip_blocked: 403,
  invalid_code: 401,
  chain_reset: 401,
  locked: 429,
  too_many_attempts: 429,
  busy: 429,
  step_up_required: 403,
  mfa_enforced: 403,
  nothing_pending: 409,
  nothing_enrolled: 409,
  password_unfit: 400,
  last_admin: 409,
  webauthn_unavailable: 409,
}

/** An error as clients see it: RFC 9457, with a stable `code`. */
export interface Problem {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail: string
  errors?: readonly Fault[]
}

export const problemContentType = 'application/problem+json'

export function problem(code: ProblemCode, detail: string, errors: readonly Fault[] = []): Problem {
  return {
    type: 'about:blank',
    title: code.replaceAll('_', ' '),
    status: statuses[code],
    code,
    detail,
    ...(errors.length > 0 ? { errors } : {}),
  }
}
