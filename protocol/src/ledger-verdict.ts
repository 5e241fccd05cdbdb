import type { LedgerVerification } from '@sallyport/core'

/** What an export or a stored ledger proves, as the API and the command line say it. */
export function ledgerVerdict(result: LedgerVerification) {
  const {
    status,
    keyFrom,
    entries,
    firstSeq,
    lastSeq,
    head,
    signedThrough,
    checkpointsBelowStart,
    firstBad,
  } = result
  return {
    status,
    key_from: keyFrom,
    entries,
    first_seq: firstSeq,
    last_seq: lastSeq,
    head,
    signed_through: signedThrough,
    checkpoints_below_start: checkpointsBelowStart,
    first_bad: firstBad,
  }
}
