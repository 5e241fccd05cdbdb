import type { KeyObject } from 'node:crypto'
import { exportLedger, type LedgerReader } from './export.ts'
import { ledgerKeyPem } from './keys.ts'
import { createLineSplitter } from './line-splitter.ts'
import type { LedgerVerification, VerifyOptions } from './verification.ts'
import { LedgerVerifier } from './verifier.ts'

/** Reads an export once, in constant memory, and stops at the first thing that is wrong. */
export async function verifyLedger(
  source: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  options: VerifyOptions = {},
): Promise<LedgerVerification> {
  const splitter = createLineSplitter()
  const verifier = new LedgerVerifier(options)
  for await (const chunk of source) {
    for (const line of splitter.push(chunk)) {
      if (!verifier.line(line)) return verifier.result()
    }
  }
  verifier.end(splitter.rest())
  return verifier.result()
}

export interface VerifyStoredOptions extends VerifyOptions {
  ledger: LedgerReader
  ledgerId: string
  publicKey: KeyObject
}

/** The same check for a ledger that is in its store. */
export function verifyStoredLedger(options: VerifyStoredOptions): Promise<LedgerVerification> {
  const { ledger, ledgerId, publicKey } = options
  return verifyLedger(exportLedger({ ledger, ledgerId, publicKeyPem: ledgerKeyPem(publicKey) }), options)
}
