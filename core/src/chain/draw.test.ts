import { describe, expect, it } from 'vitest'
import { type Random, systemRandom } from '../clock.ts'
import { drawChain } from './draw.ts'
import { parsePolicy } from './policy.ts'

const policyOf = (mode: 'fixed' | 'random', count: number, requiredSteps: number) =>
  parsePolicy({
    mode,
    requiredSteps,
    factors: Array.from({ length: count }, (_, i) => ({ id: `${i}`, label: `Device ${i}`, type: 'totp' })),
  })

const order = (policy: ReturnType<typeof policyOf>, random: Random) =>
  drawChain(policy, random)
    .map((factor) => factor.id)
    .join('')

/** Mulberry32 (Tommy Ettinger, public domain): the same draws in every run. */
function seededRandom(seed: number): Random {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { bytes: (length) => Uint8Array.from({ length }, () => next() >>> 24) }
}

/** Pearson's statistic of how often each order came, were all equally likely. */
function chiSquare(options: { policy: ReturnType<typeof policyOf>; random: Random; orders: number }): number {
  const draws = 60_000
  const seen = new Map<string, number>()
  for (let i = 0; i < draws; i++) {
    const drawn = order(options.policy, options.random)
    seen.set(drawn, (seen.get(drawn) ?? 0) + 1)
  }
  expect(seen.size).toBe(options.orders)
  const expected = draws / options.orders
  return [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

describe('drawChain', () => {
  it('takes the first factors as listed in fixed mode, and draws nothing', () => {
    const random = { bytes: () => expect.fail('fixed mode needs no randomness') }
    expect(order(policyOf('fixed', 4, 2), random)).toBe('01')
  })

  it('draws each factor at most once, and the policy stays as it was', () => {
    const policy = policyOf('random', 5, 5)
    for (let i = 0; i < 100; i++) expect([...order(policy, systemRandom)].sort().join('')).toBe('01234')
    expect(policy.factors.map((factor) => factor.id).join('')).toBe('01234')
  })

  // Critical values of chi-square at p = 0.01: 15.09 with 5 degrees of freedom, 24.72 with 11.
  it.each([
    { count: 3, steps: 3, orders: 6, critical: 15.09 },
    { count: 4, steps: 2, orders: 12, critical: 24.72 },
  ])('favours none of the $orders orders of $steps of $count', ({ count, steps, orders, critical }) => {
    const policy = policyOf('random', count, steps)
    expect(chiSquare({ policy, random: seededRandom(42), orders })).toBeLessThan(critical)
  })

  it('favours none with the real randomness either', () => {
    // p = 1e-9 with 5 degrees of freedom: a healthy draw does not fail here in a lifetime of runs.
    expect(chiSquare({ policy: policyOf('random', 3, 3), random: systemRandom, orders: 6 })).toBeLessThan(
      51.2,
    )
  })
})
