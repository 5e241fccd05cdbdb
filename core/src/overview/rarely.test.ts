import { expect, it } from 'vitest'
import { createRarely } from './rarely.ts'

it('works for a hundredth of the time at most, once for all who ask, and again after a failure', async () => {
  const clock = { at: 1_000_000, now: () => clock.at }
  let asked = 0
  let fails = true
  const rarely = createRarely(clock, async () => {
    asked++
    clock.at += 20
    if (fails) throw new Error('no')
    return asked
  })
  await expect(Promise.all([rarely(), rarely()])).rejects.toThrow('no')
  expect(asked).toBe(1)
  fails = false
  expect(await Promise.all([rarely(), rarely(), rarely()])).toEqual([2, 2, 2])
  clock.at += 1_999
  expect(await rarely()).toBe(2)
  clock.at += 1
  expect(await rarely()).toBe(3)
  clock.at -= 10_000
  expect(await rarely()).toBe(4)
})
