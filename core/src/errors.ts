/**
 * Every exception the core, the stores and the gates throw on purpose is a `SallyportError` with one
 * of these codes. Expected outcomes (a wrong code, a locked subject) are data, never exceptions.
 */
export type ErrorCode =
  // what was asked is of the wrong shape, or cannot be done as things stand
  | 'invalid_input'
  | 'policy_invalid'
  | 'config_invalid'
  | 'not_found'
  | 'already_exists'
  // the chain library
  | 'chain_breached'
  | 'chain_not_started'
  | 'chain_complete'
  | 'attempt_altered'
  | 'integrity_key_required'
  // the vault
  | 'vault_key_unreadable'
  | 'vault_wrong_key'
  | 'vault_key_unknown'
  | 'vault_sealed_damaged'
  | 'fips_unavailable'
  // the store
  | 'store_unavailable'
  | 'store_damaged'
  | 'store_schema_newer'
  | 'store_conflict'
  // the ledger
  | 'ledger_damaged'
  // recordings of the serial gate
  | 'recording_failed'
  | 'recording_damaged'
  | 'storage_exhausted'
  // mail
  | 'mail_unavailable'
  | 'mail_refused'
  // what is sent to a SIEM
  | 'siem_unavailable'
  // YubiKeys
  | 'yubikey_unavailable'

/** One fault in something a person wrote, with the path to it: `factors[2].id`. */
export interface Fault {
  path: string
  message: string
}

export interface SallyportErrorOptions {
  cause?: unknown
  faults?: readonly Fault[]
}

export class SallyportError extends Error {
  readonly code: ErrorCode
  /** Every fault found, when the error is about something a person wrote; otherwise empty. */
  readonly faults: readonly Fault[]

  constructor(code: ErrorCode, message: string, options: SallyportErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.faults = options.faults ?? []
  }
}

/** A step was offered for a factor that is not the one the chain expects next. */
export class MfaChainBreached extends SallyportError {
  readonly expectedFactorId: string
  readonly offeredFactorId: string

  constructor(expectedFactorId: string, offeredFactorId: string) {
    super('chain_breached', `the chain expects factor "${expectedFactorId}" next, not "${offeredFactorId}"`)
    this.expectedFactorId = expectedFactorId
    this.offeredFactorId = offeredFactorId
  }
}

/** One line a fault, for a person: `factors[2].id: duplicate of factors[0].id`. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map((fault) => (fault.path ? `${fault.path}: ${fault.message}` : fault.message)).join('\n')
}
