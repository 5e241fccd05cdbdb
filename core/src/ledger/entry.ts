/** A flat, JSON-safe value. Floats are not allowed: they do not survive re-serialisation everywhere. */
export type LedgerValue = string | number | boolean | null | readonly string[]

/** What a caller records. Never a secret, never a code, never free text that was not bounded. */
export interface LedgerRecord {
  /** `area.what_happened`, such as `attempt.completed`. */
  type: string
  at: number
  /** The subject's internal id: a pseudonym, which is all that remains after erasure. */
  subject?: string | null
  /** Who did it, when it is not the subject: `cli`, `apikey:<id>`, `subject:<id>`. */
  actor?: string | null
  gate?: string | null
  data?: Readonly<Record<string, LedgerValue>>
}

/** One link of the chain. `hash` covers `body`; `body` names `prev`, the hash before it. */
export interface LedgerEntry {
  seq: number
  hash: string
  /** The exact JSON text that was hashed; everything shown about the entry is parsed from it. */
  body: string
}

/** A signed statement: the ledger `ledger` had, after entry `seq`, the hash `hash`. */
export interface LedgerCheckpoint {
  ledger: string
  seq: number
  hash: string
  at: number
  /** Ed25519 over the other fields, base64url. */
  signature: string
}
