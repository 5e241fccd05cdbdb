/**
 * Which time steps were accepted, by secret: a step at or below the highest one is never accepted again
 * (P1). `secret` is a fingerprint. Share one between orchestrators, or put a database behind it, to carry
 * that promise from one attempt to the next.
 */
export interface AcceptedSteps {
  /** True when `step` is above all that were raised before; the check and the change are one. */
  raise(secret: string, step: number): boolean
}

export interface AcceptedStepsMemory extends AcceptedSteps {
  entries(): [secret: string, step: number][]
}

/** Remembers in this process alone. */
export function createAcceptedSteps(known: Iterable<[string, number]> = []): AcceptedStepsMemory {
  const steps = new Map(known)
  return {
    raise(secret, step) {
      if (step <= (steps.get(secret) ?? -1)) return false
      steps.set(secret, step)
      return true
    },
    entries: () => [...steps],
  }
}
