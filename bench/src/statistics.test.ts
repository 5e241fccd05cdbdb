import { expect, it } from 'vitest'
import { median, percentile } from './statistics.ts'

it.each([
  [[7], 7],
  [[3, 1, 2], 2],
  [[10, 9, 100, 1], 9.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

it('takes percentiles by the nearest rank, sorting by value', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index)
  expect(percentile(values, 50)).toBe(100)
  expect(percentile(values, 99)).toBe(198)
  expect(percentile(values, 100)).toBe(200)
  expect(percentile(values, 0)).toBe(1)
  expect(percentile([5], 99)).toBe(5)
})

it('has no figure for nothing', () => {
  expect(() => median([])).toThrow(RangeError)
  expect(() => percentile([], 50)).toThrow(RangeError)
})
