import {
  type Attempts,
  createAttempts,
  createBackupFactor,
  createTotpFactor,
  parseGatePolicies,
  type Store,
  type Subject,
  systemRandom,
  type Vault,
} from '@sallyport/core'

const policies = parseGatePolicies({
  mode: 'fixed',
  requiredSteps: 1,
  factors: [{ id: 'second', label: 'Second factor', any_of: ['totp', 'backup'] }],
})

export interface Walker {
  /** The walker's own clock, so that it can have a fresh time step whenever it wants one. */
  clock: { at: number; now(): number }
  attempts: Attempts
  /** A pending attempt of one step; fails when the policies decide otherwise. */
  begin(subject: Subject): Promise<string>
}

/** A node of its own on a store that others use as well. */
export function createWalker({ store, vault, at }: { store: Store; vault: Vault; at: number }): Walker {
  const clock = { at, now: () => clock.at }
  const factors = [createTotpFactor(), createBackupFactor()]
  const attempts = createAttempts({ store, vault, clock, random: systemRandom, factors })
  return {
    ...{ clock, attempts },
    async begin(subject) {
      const started = await attempts.start({ gate: 'login', purpose: 'sign-in', subject, policies })
      if (started.status !== 'pending') throw new Error(`the attempt is ${started.status}`)
      return started.attempt.id
    },
  }
}

/** A benchmark of failures would be a fast one. */
export function demand(status: string, expected: string): void {
  if (status !== expected) throw new Error(`the verification is ${status}, not ${expected}`)
}
