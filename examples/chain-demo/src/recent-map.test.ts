import { expect, it } from 'vitest'
import { createRecentMap } from './recent-map.ts'

it('keeps the newest, where setting again makes new', () => {
  const map = createRecentMap<number>({ clock: { now: () => 0 }, limit: 3 })
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
    ['a', 4],
    ['d', 5],
  ] as const)
    map.set(key, value)
  expect(['a', 'b', 'c', 'd'].map(map.get)).toEqual([4, undefined, 3, 5])
})

it('forgets what is past its lifetime', () => {
  let now = 0
  const map = createRecentMap<number>({ clock: { now: () => now }, limit: 3, lifetime: 10 })
  map.set('a', 1)
  now = 9
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  now = 10
  expect(['a', 'b'].map(map.get)).toEqual([undefined, 2])
})

it('deletes by a test', () => {
  const map = createRecentMap<number>({ clock: { now: () => 0 }, limit: 3 })
  map.set('a', 1)
  map.set('b', 2)
  map.deleteWhere((value) => value === 1)
  expect(['a', 'b'].map(map.get)).toEqual([undefined, 2])
})
