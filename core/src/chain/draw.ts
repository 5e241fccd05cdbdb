import { type Random, randomInteger } from '../clock.ts'
import type { ChainPolicy, FactorDefinition } from './policy.ts'

/**
 * The chain of one attempt. `fixed`: the first `requiredSteps` factors as listed. `random`: that many of
 * all, by a Fisher–Yates shuffle that stops when enough are drawn; each order is equally likely.
 */
export function drawChain(policy: ChainPolicy, random: Random): FactorDefinition[] {
  const drawn = [...policy.factors]
  if (policy.mode === 'random') {
    for (let place = 0; place < policy.requiredSteps; place++) {
      const from = place + randomInteger(random, drawn.length - place)
      const taken = drawn[from]!
      drawn[from] = drawn[place]!
      drawn[place] = taken
    }
  }
  return drawn.slice(0, policy.requiredSteps)
}
