/** Time that passes when the test says so. */
export function createTurnedTimers() {
  let now = 0
  let waiting: { at: number; action: () => void }[] = []
  /** All at once. */
  function pass(milliseconds: number) {
    now += milliseconds
    const due = waiting.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)
    waiting = waiting.filter(({ at }) => at > now)
    for (const { action } of due) action()
  }
  return {
    monotonic: () => now,
    after(milliseconds: number, action: () => void) {
      const timer = { at: now + milliseconds, action }
      waiting.push(timer)
      return () => {
        waiting = waiting.filter((one) => one !== timer)
      }
    },
    pass,
    /** In steps of 10 ms, between which what was begun goes on. */
    async flow(milliseconds: number) {
      for (let gone = 0; gone < milliseconds; gone += 10) {
        pass(10)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
