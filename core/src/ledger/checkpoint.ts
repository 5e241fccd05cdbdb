import { type KeyObject, sign, verify } from 'node:crypto'
import { SallyportError } from '../errors.ts'
import { isLedgerHash, isLedgerId } from './canonical.ts'
import type { LedgerCheckpoint } from './entry.ts'

/** Ed25519: 64 bytes, 86 characters of which the last has two significant bits. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/

/**
 * What is signed. The first line keeps the signature from meaning anything elsewhere; the JSON array
 * after it can be read in one way only.
 */
function signedBytes({ ledger, seq, hash, at }: Omit<LedgerCheckpoint, 'signature'>): Buffer {
  return Buffer.from(`sallyport/ledger-head/v1\n${JSON.stringify([ledger, seq, hash, at])}`)
}

export function signCheckpoint(
  statement: Omit<LedgerCheckpoint, 'signature'>,
  privateKey: KeyObject,
): LedgerCheckpoint {
  return { ...statement, signature: sign(null, signedBytes(statement), privateKey).toString('base64url') }
}

export function isSignedCheckpoint(checkpoint: LedgerCheckpoint, publicKey: KeyObject): boolean {
  return (
    isCheckpoint(checkpoint) &&
    verify(null, signedBytes(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64url'))
  )
}

/** The form only; whether the key signed it is another question. */
export function isCheckpoint(value: unknown): value is LedgerCheckpoint {
  if (typeof value !== 'object' || value === null) return false
  const { ledger, seq, hash, at, signature } = value as Partial<Record<keyof LedgerCheckpoint, unknown>>
  return (
    isLedgerId(ledger) &&
    Number.isSafeInteger(seq) &&
    (seq as number) > 0 &&
    isLedgerHash(hash) &&
    Number.isSafeInteger(at) &&
    typeof signature === 'string' &&
    SIGNATURE.test(signature)
  )
}

/** One line of JSON, to be sent or written elsewhere. */
export function checkpointText({ ledger, seq, hash, at, signature }: LedgerCheckpoint): string {
  return JSON.stringify({ ledger, seq, hash, at, signature })
}

/** Reads what `checkpointText` wrote. Its signature is not looked at here. */
export function parseCheckpoint(text: string): LedgerCheckpoint {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = null
  }
  if (!isCheckpoint(value)) throw new SallyportError('invalid_input', 'not a ledger checkpoint')
  const { ledger, seq, hash, at, signature } = value
  return { ledger, seq, hash, at, signature }
}
