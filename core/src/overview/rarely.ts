import type { Clock } from '../clock.ts'

/** Of the time that goes by, the most that is spent on it: a hundredth. */
const share = 100

/**
 * Asks `work` for its answer at most so often that a hundredth of the time goes into it, and one at a time for
 * however many ask: what takes a millisecond is always new, what takes three seconds may be five minutes old.
 */
export function createRarely<T>(clock: Clock, work: () => Promise<T>): () => Promise<T> {
  let known: { answer: T; at: number; took: number } | null = null
  let running: Promise<T> | null = null
  const ask = async () => {
    const began = clock.now()
    const answer = await work()
    known = { answer, at: clock.now(), took: Math.max(0, clock.now() - began) }
    return answer
  }
  return () => {
    const age = known ? clock.now() - known.at : 0
    // Set back, the clock says nothing about the age.
    if (known && age >= 0 && age < known.took * share) return Promise.resolve(known.answer)
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }
}
