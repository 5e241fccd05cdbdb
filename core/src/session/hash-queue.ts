export interface HashQueue {
  /** Runs one piece of password work when its turn comes, or answers `null` at once when too many wait. */
  run<T>(work: () => Promise<T>): Promise<{ result: T } | null>
}

/**
 * Bounds password hashing, which is slow on purpose: at most `concurrency` at a time (the cores), at most
 * `waiting` behind them. Whoever comes then is turned away, so that a login flood neither grows a queue
 * without end nor starves what needs no password, such as the verification of a code.
 */
export function createHashQueue(limits: { concurrency: number; waiting: number }): HashQueue {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    async run(work) {
      if (running < limits.concurrency) running++
      else if (waiting.length < limits.waiting) await new Promise<void>((resolve) => waiting.push(resolve))
      else return null
      try {
        return { result: await work() }
      } finally {
        // The place is handed on, not given back: nobody who came later gets in between.
        const next = waiting.shift()
        if (next) next()
        else running--
      }
    },
  }
}
