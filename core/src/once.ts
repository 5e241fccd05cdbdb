import type { Spend } from './factors/factor.ts'
import type { Tx } from './store.ts'

/**
 * Uses up what a factor matched. False when any of it was used before; the caller then accepts nothing.
 * Each spend is one conditional write, so of many callers with the same value one gets `true`.
 */
export async function consume(tx: Tx, spends: readonly Spend[]): Promise<boolean> {
  return (await firstStale(tx, spends)) === null
}

/** The same; answers which of them was used before. */
export async function firstStale(tx: Tx, spends: readonly Spend[]): Promise<Spend | null> {
  for (const spend of spends) {
    const first =
      spend.kind === 'raise' ? await tx.once.raise(spend.key, spend.value) : await tx.once.spend(spend.key)
    if (!first) return spend
  }
  return null
}
