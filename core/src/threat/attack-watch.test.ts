import { expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { createAttackWatch } from './attack-watch.ts'

function open() {
  const clock = { at: 1_000_000_000, now: () => clock.at }
  const watch = createAttackWatch({ clock, random: systemRandom })
  return { clock, watch }
}

const guess = (address: string, account: string, password: string) => ({ address, account, password })

it('sees one password tried on many accounts, from wherever', () => {
  const { watch, clock } = open()
  for (let index = 0; index < 5; index++)
    watch.failed(guess(`192.0.2.${index}`, `person${index}`, 'Winter2026!'))
  expect(watch.signsOf(guess('198.51.100.1', 'anna', 'Winter2026!'))).toEqual(['spraying'])
  expect(watch.signsOf(guess('192.0.2.1', 'anna', 'her own'))).toEqual([])
  clock.at += 15 * 60_000
  expect(watch.signsOf(guess('198.51.100.1', 'anna', 'Winter2026!'))).toEqual([])
})

it('sees many accounts tried from one address, each with a password of its own', () => {
  const { watch } = open()
  for (let index = 0; index < 10; index++)
    watch.failed(guess('2001:db8::1', `person${index}`, `password${index}`))
  expect(watch.signsOf(guess('2001:db8::2', 'anna', 'x'))).toEqual(['stuffing'])
  expect(watch.failuresOf('2001:db8::3')).toBe(10)
  expect(watch.failuresOf('192.0.2.1')).toBe(0)
})

it('sees many addresses that try one account, by any spelling of its name', () => {
  const { watch } = open()
  for (let index = 0; index < 5; index++)
    watch.failed(guess(`192.0.2.${index}`, ' Anna ', `password${index}`))
  expect(watch.signsOf(guess('198.51.100.1', 'anna', 'x'))).toEqual(['many_addresses'])
})

it('takes somebody who keeps typing one password wrong for no attack, and forgets when the clock goes back', () => {
  const { watch, clock } = open()
  for (let index = 0; index < 50; index++) watch.failed(guess('192.0.2.1', 'anna', 'old password'))
  expect(watch.signsOf(guess('192.0.2.1', 'anna', 'old password'))).toEqual([])
  expect(watch.failuresOf('192.0.2.1')).toBe(50)
  clock.at -= 1
  expect(watch.failuresOf('192.0.2.1')).toBe(0)
})
