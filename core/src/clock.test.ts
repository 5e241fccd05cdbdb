import { expect, it } from 'vitest'
import { systemRandom, timedId } from './clock.ts'

it('gives ids that sort by their time, and differ within one', () => {
  const times = [1, 31, 32, 999_999_999_999, 1_700_000_000_000, 1_700_000_000_001, 2 ** 45 - 1]
  const ids = times.map((time) => timedId(time, systemRandom))
  expect(ids.toSorted()).toEqual(ids)
  for (const id of ids) expect(id).toMatch(/^[0-9a-v]{9}[\w-]{14}$/)
  const atOnce = Array.from({ length: 10_000 }, () => timedId(1_700_000_000_000, systemRandom))
  expect(new Set(atOnce).size).toBe(10_000)
})
