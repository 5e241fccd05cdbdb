/** Time that passes, as opposed to what a clock on the wall says: it is never set. */
export interface Timers {
  /** Calls `action` once after that many milliseconds, unless cancelled. */
  after(milliseconds: number, action: () => void): () => void
  /** Milliseconds since any fixed moment. */
  monotonic(): number
}

export const systemTimers: Timers = {
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds)
    return () => clearTimeout(timer)
  },
  monotonic: () => performance.now(),
}
