import type { Page, PageRequest } from '../store.ts'

/**
 * `manual` shuts an address out of everything; `automatic` keeps it from new sign-ins and guesses alone, so
 * that one guesser behind an address does not shut out all the others there.
 */
export type BlockKind = 'manual' | 'automatic'

export interface Block {
  id: string
  /** An address or a range, in its one spelling; IPv6 by the /64 at least. */
  range: string
  kind: BlockKind
  reason: string
  /** Who did it: `cli`, `apikey:<id>`, `subject:<id>`, `guard`. */
  by: string
  blockedAt: number
  blockedUntil: number
  unblockedAt: number | null
  /** Whether it ran out by itself. */
  autoUnblocked: boolean
}

export interface BlockPort {
  /** Those of that very range that have not ended, under a lock that all who change blocks share. */
  lock(range: string): Promise<Block[]>
  insert(block: Block): Promise<void>
  change(id: string, change: Pick<Block, 'reason' | 'by' | 'blockedAt' | 'blockedUntil'>): Promise<boolean>
  /** True for the one who ended it. */
  end(id: string, at: number, auto: boolean): Promise<boolean>
  /** Those that ran out by `now` and are not ended, or that begin after `future`. */
  due(now: number, future: number, limit: number): Promise<Block[]>
  /** Counts up with every change of any block. */
  revision(): Promise<number>
  /** What changed after that revision, in order; only what has not ended, where that is asked for. */
  changedAfter(
    revision: number,
    limit: number,
    inForce: boolean,
  ): Promise<{ blocks: Block[]; revision: number }>
  /** Those in force against any of the ranges, the longest first. */
  covering(ranges: readonly string[], now: number): Promise<Block[]>
  /** Newest first. */
  list(page: PageRequest & { inForceAt?: number }): Promise<Page<Block>>
  /** Automatic blocks of the range since a time, but for those that a person lifted. */
  countAutomatic(range: string, since: number): Promise<number>
  prune(endedBefore: number, limit: number): Promise<number>
}

/** A failed sign-in: whose it was, and when. */
export interface Failure {
  who: string
  at: number
}

export interface FailurePort {
  /** The network's failures, under a lock that is held to the end of the transaction. */
  lock(network: string): Promise<Failure[]>
  find(network: string): Promise<Failure[]>
  /** `at` is when the last one happened. */
  save(network: string, failures: readonly Failure[], at: number): Promise<void>
  /** Networks with a failure at or after `since`, after that network in their order. */
  since(
    since: number,
    after: string,
    limit: number,
  ): Promise<{ network: string; count: number; at: number }[]>
  prune(before: number, limit: number): Promise<number>
}
