/** Wrong guesses counted against one subject, whatever gate, method, attempt or alias they came by. */
export interface GuessRecord {
  /** Times of the wrong guesses inside the window, oldest first; never more than the limit. */
  recent: number[]
  /** Wrong guesses in a row without a success. */
  inRow: number
  /** How often the subject was locked: the next lock's length grows with it. */
  locks: number
  lockedUntil: number | null
  lastLockAt: number | null
}
