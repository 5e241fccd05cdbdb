import { describe, expect, it } from 'vitest'
import { type Pattern, threatCategories } from './pattern.ts'
import { costOf } from './pattern-safety.fixture.ts'
import { patterns } from './patterns.ts'
import { squeeze, unmask } from './plain-text.ts'

/** As the detector does it, but by the slowest and plainest of ways. */
function finds({ words, expression }: Pattern, text: string): boolean {
  return [squeeze(text), squeeze(unmask(text) ?? '')].some((plain) =>
    words.some((word) => {
      const letters = plain.toLowerCase()
      const found = new RegExp(expression, 'iy')
      for (
        let at = letters.indexOf(word.toLowerCase());
        at >= 0;
        at = letters.indexOf(word.toLowerCase(), at + 1)
      ) {
        found.lastIndex = at
        if (found.test(plain)) return true
      }
      return false
    }),
  )
}

describe.each(patterns)('the pattern $name', (pattern) => {
  it('finds what it is for, and leaves alone what only looks like it', () => {
    expect(finds(pattern, pattern.for)).toBe(true)
    expect(finds(pattern, pattern.against)).toBe(false)
  })

  it('costs no more than so much where it is tried', () => {
    expect(costOf(pattern.expression)).toBeLessThan(20_000_000)
  })

  it('has a known category, a weight, and words in ASCII', () => {
    expect(threatCategories).toContain(pattern.category)
    expect(pattern.weight).toBeGreaterThan(0)
    expect(pattern.weight).toBeLessThanOrEqual(100)
    for (const word of pattern.words) expect(word).toMatch(/^[\0-\u007f\ufffd]+$/)
  })
})

it('every pattern has a name of its own', () => {
  expect(new Set(patterns.map(({ name }) => name)).size).toBe(patterns.length)
})

describe('the checker of costs', () => {
  it.each(['a*', '(a+)+', 'a{2,}', '(?:a{1,9}){1,9}', '(?:a|b){1,20}'])('refuses %s', (unsafe) => {
    expect(() => costOf(unsafe)).toThrow()
  })

  it.each([
    ['abc', 1],
    ['a|b', 2],
    ['a?b{1,3}', 6],
    ['(?:a|bc?)[x-z]{0,4}', 15],
    [String.raw`(?<=a{1,5})b\{{1,2}`, 7],
  ])('counts the choices of %s', (expression, cost) => {
    expect(costOf(expression)).toBe(cost)
  })
})
