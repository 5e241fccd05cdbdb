import { expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { createFirstLines } from './first-lines.ts'

it('knows the first line of each of a hundred thousand texts', () => {
  const lines = createFirstLines(systemRandom)
  const count = 100_000
  for (let line = 1; line <= count; line++) expect(lines.claim(`text ${line}`, line)).toBe(null)
  for (let line = 1; line <= count; line++) expect(lines.claim(`text ${line}`, count + 1)).toBe(line)
  expect(lines.claim('', 7)).toBe(null)
  expect(lines.claim('', 8)).toBe(7)
})
