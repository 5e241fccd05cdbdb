import { type ProblemCode, problem } from './problem.ts'

/** What each code says, and what to do about it: shown at `/docs`. */
export const problemMeanings: Readonly<Record<ProblemCode, string>> = {
  invalid_input: 'The request is of the wrong shape; `errors` names each field at fault.',
  policy_invalid: 'A policy cannot be used; `errors` names each fault.',
  config_invalid: 'A setting cannot be used; `errors` names each fault.',
  not_found: 'There is no such thing, or it is not yours.',
  already_exists: 'Something with this name exists already.',
  chain_breached: 'Another step of the chain comes next.',
  chain_not_started: 'The chain has not been started.',
  chain_complete: 'The chain is complete already.',
  attempt_altered: 'A saved chain was changed by somebody else.',
  integrity_key_required: 'A saved chain needs the key that protects it.',
  vault_key_unreadable: "The vault's master key cannot be read.",
  vault_wrong_key: "The vault's master key is not the one that it was made with.",
  vault_key_unknown: 'A secret was sealed by a key that is not here.',
  vault_sealed_damaged: 'A sealed secret is damaged.',
  fips_unavailable: 'FIPS is demanded, and this Node has no FIPS provider.',
  store_unavailable: 'The database does not answer: try again in a moment.',
  store_damaged: 'The database is damaged.',
  store_schema_newer: 'The database belongs to a newer version.',
  store_conflict: 'Too many changed the same thing at once: try again in a moment.',
  ledger_damaged: 'The ledger is damaged, and nothing is decided without it.',
  recording_failed: 'A session could not be recorded, and so does not go on.',
  recording_damaged: 'A recording is not as it was written.',
  storage_exhausted: 'There is no room for a recording, and so no session.',
  mail_unavailable: 'Mail cannot be sent at present.',
  mail_refused: 'The mail server refuses this letter.',
  siem_unavailable: 'The SIEM does not confirm what it is sent.',
  yubikey_unavailable:
    'No YubiKey validation server gave an answer to be trusted: use another factor, or try again.',
  method_not_allowed: 'This path takes other methods; the header `Allow` names them.',
  payload_too_large: 'A body has at most 64 KiB.',
  not_ready: 'A part of this node cannot do its work.',
  internal: 'A fault on this side; it was logged.',
  invalid_credentials: 'E-mail address or password is wrong; nobody is told which.',
  invalid_token: 'The token is missing, expired, revoked, used up, or not for this.',
  invalid_api_key: 'The API key is missing, unknown or revoked.',
  forbidden: 'You are known, and may not do this.',
  csrf_refused:
    'A call with the session cookie must come from these pages, and what a page elsewhere makes a browser send is refused.',
  ip_blocked: 'The address is blocked, from everything or from signing in; `Retry-After` says for how long.',
  denied: 'A policy keeps this account out, from here or now.',
  invalid_code: 'The code is wrong, or was used before; `attempts_left` says how many tries are left.',
  chain_reset: 'The code was wrong, and the chain begins again; `chain` says with what.',
  locked: 'Too many wrong codes; `retry_at` says until when, and is absent where only a person can unlock.',
  too_many_attempts: 'Too many requests of this kind; `retry_at` says until when.',
  busy: 'Too much password hashing is under way: try again in a moment.',
  step_up_required: 'This needs fresh proof: `POST /auth/step-up`, then verify a factor.',
  mfa_enforced: 'A second factor is demanded of this account.',
  nothing_pending: 'There is no enrolment to confirm, or not any more.',
  nothing_enrolled: 'There is no factor to prove with.',
  last_admin: 'Somebody must stay who can administer this installation.',
  webauthn_unavailable: 'Security keys are switched off here, or no domain is configured for them.',
  password_unfit: 'The new password will not do; `errors` says why.',
}

export const problemCodes = (Object.keys(problemMeanings) as ProblemCode[]).sort()

export function statusOf(code: ProblemCode): number {
  return problem(code, '').status
}
