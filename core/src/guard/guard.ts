/** Wrong guesses counted against one subject, whatever gate, method, attempt or alias they came by. */
export interface GuessRecord {
  /** Times of the guesses inside the window that were not (yet) right, oldest first. */
  recent: number[]
  /** Wrong guesses in a row without a success. */
  inRow: number
  /** How often the subject was locked: the next lock's length grows with it. */
  locks: number
  lockedUntil: number | null
  lastLockAt: number | null
}

export interface GuessLimits {
  /** This many wrong guesses … */
  attempts: number
  /** … in this many milliseconds lock the subject … */
  within: number
  /** … for the first of these times, then the second, and so on; the last one repeats. */
  lockFor: readonly number[]
  /** After this long without a lock the growth starts over. */
  decayAfter: number
  /** This many wrong guesses in a row need an administrator, or a recovery factor (NIST SP 800-63B). */
  ceiling: number
}

const minute = 60_000

export const defaultGuessLimits: GuessLimits = {
  attempts: 5,
  within: minute,
  lockFor: [minute, 5 * minute, 15 * minute, 60 * minute],
  decayAfter: 24 * 60 * minute,
  ceiling: 100,
}

export type Admission =
  | { admitted: true; record: GuessRecord; at: number; left: number; locksUntil: number | null }
  | { admitted: false; record: GuessRecord; reason: 'locked'; until: number }
  | { admitted: false; record: GuessRecord; reason: 'ceiling'; until: null }

const noGuesses: GuessRecord = { recent: [], inRow: 0, locks: 0, lockedUntil: null, lastLockAt: null }

/**
 * Spends one guess before it is judged, or refuses it. The guess that reaches the limit is still
 * judged; the lock it causes holds from that moment, and falls again if that very guess was right.
 * A refusal changes nothing, so hammering a locked door neither prolongs the lock nor costs a write.
 *
 * A recovery factor is admitted past the ceiling, never past a lock.
 */
export function admitGuess(
  stored: GuessRecord | null,
  guess: { now: number; limits: GuessLimits; recovery?: boolean },
): Admission {
  const { now, limits } = guess
  const record = settleLock(stored ?? noGuesses, now, limits)
  if (record.lockedUntil !== null) {
    return { admitted: false, record, reason: 'locked', until: record.lockedUntil }
  }
  if (record.inRow >= limits.ceiling && !guess.recovery) {
    return { admitted: false, record, reason: 'ceiling', until: null }
  }
  const recent = [...record.recent, now].slice(-limits.attempts)
  const spent = { ...record, recent, inRow: record.inRow + 1 }
  const left = limits.attempts - countInWindow(recent, now, limits)
  if (left > 0) return { admitted: true, record: spent, at: now, left, locksUntil: null }
  const quiet = record.lastLockAt === null || now - record.lastLockAt >= limits.decayAfter
  const level = quiet ? 0 : record.locks
  const locksUntil = now + (limits.lockFor[Math.min(level, limits.lockFor.length - 1)] ?? minute)
  const locked = { ...spent, locks: level + 1, lockedUntil: locksUntil, lastLockAt: now }
  return { admitted: true, record: locked, at: now, left: 0, locksUntil }
}

/** The guess admitted at `at` was right: give that one back, and lift the lock if it was this guess's doing. */
export function refundGuess(record: GuessRecord, at: number): GuessRecord {
  const index = record.recent.lastIndexOf(at)
  // Not there any more: an administrator's reset, or a lock that ran out, came between.
  if (index < 0) return record
  const refunded = {
    ...record,
    recent: record.recent.toSpliced(index, 1),
    inRow: Math.max(0, record.inRow - 1),
  }
  if (record.lockedUntil === null || record.lastLockAt === null) return refunded
  return { ...refunded, lockedUntil: null, locks: Math.max(0, record.locks - 1) }
}

/**
 * The guess admitted at `at` completed the attempt: the row of wrong guesses is broken. The wrong ones
 * of the last minute stay counted, and so does the growth of locks: were they forgiven, a stranger
 * who holds the first factor would get a fresh budget each time the subject signs in.
 */
export function breakRow(record: GuessRecord, at: number): GuessRecord {
  return { ...refundGuess(record, at), inRow: 0 }
}

/**
 * Age decides what counts, never what is kept: nodes whose clocks differ would otherwise drop each
 * other's guesses. A time ahead of the clock counts as now.
 */
function countInWindow(recent: readonly number[], now: number, limits: GuessLimits): number {
  return recent.filter((time) => now - time < limits.within).length
}

/**
 * The record as its lock stands at `now`. A lock that ran out takes its guesses with it. One that ends
 * further ahead than any lock lasts was set by a clock that has been mended since: it lasts from now.
 */
function settleLock(record: GuessRecord, now: number, limits: GuessLimits): GuessRecord {
  if (record.lockedUntil === null) return record
  if (record.lockedUntil <= now) return { ...record, recent: [], lockedUntil: null }
  const longest = now + Math.max(...limits.lockFor)
  return record.lockedUntil <= longest ? record : { ...record, lockedUntil: longest, lastLockAt: now }
}
