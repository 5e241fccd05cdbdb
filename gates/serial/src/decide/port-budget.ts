import { admitGuess, breakRow, type GuessLimits, refundGuess, type Tx } from '@sallyport/core'

const minute = 60_000
/** "Until an administrator resets it", as a time: longer than any board lives. */
const untilReset = 1_000 * 365 * 24 * 60 * minute

/** Over all technician ids, spelled right or not: who walks through ids is stopped as well. */
const portLimits: GuessLimits = {
  attempts: 15,
  within: 10 * minute,
  lockFor: [untilReset],
  decayAfter: untilReset,
  ceiling: 100,
}

export interface Budget {
  /** Counts a guess before it is judged. */
  spend(tx: Tx, now: number): Promise<{ admitted: boolean; locksNow: boolean }>
  /** The guess was right, or was never judged: it is given back. `success` also ends the row of failures. */
  refund(tx: Tx, at: number, outcome: { success: boolean }): Promise<void>
  clear(tx: Tx): Promise<boolean>
}

function budget(key: string, limits: GuessLimits): Budget {
  return {
    async spend(tx, now) {
      const stored = await tx.guesses.lock(key)
      const admission = admitGuess(stored, { now, limits })
      if (!admission.admitted) return { admitted: false, locksNow: false }
      await tx.guesses.save(key, admission.record)
      return {
        admitted: true,
        locksNow: admission.locksUntil !== null || admission.record.inRow >= limits.ceiling,
      }
    },
    async refund(tx, at, { success }) {
      const stored = await tx.guesses.lock(key)
      if (stored) await tx.guesses.save(key, (success ? breakRow : refundGuess)(stored, at))
    },
    clear: (tx) => tx.guesses.clear(key),
  }
}

export function portBudget(port: string): Budget {
  return budget(`port:${port}`, portLimits)
}

/** Of an id that nobody has: it behaves as one that somebody has. */
export function strangerBudget(alias: string, limits: GuessLimits): Budget {
  return budget(`stranger:${alias}`, limits)
}

/** The shim's rule for one technician: so many failures in that time, then locked until a reset. */
export function technicianLimits({ attempts, within }: { attempts: number; within: number }): GuessLimits {
  return { attempts, within, lockFor: [untilReset], decayAfter: untilReset, ceiling: 100 }
}
