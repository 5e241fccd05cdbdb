import { expect, it } from 'vitest'
import { createRapidRequests } from './rapid-requests.ts'

function open() {
  const clock = { at: 0, now: () => clock.at }
  return { clock, isOneTooMany: createRapidRequests({ requests: 3, within: 1_000 }, clock) }
}

it('speaks up once a span, at the one too many', () => {
  const { clock, isOneTooMany } = open()
  const seen = () => Array.from({ length: 6 }, () => isOneTooMany('192.0.2.1'))
  expect(seen()).toEqual([false, false, false, true, false, false])
  expect(isOneTooMany('192.0.2.2')).toBe(false)
  clock.at = 1_000
  expect(seen()).toEqual([false, false, false, true, false, false])
  clock.at = 0
  expect(isOneTooMany('192.0.2.1')).toBe(false)
})

it('counts an IPv6 network as one, and forgets the oldest of too many networks', () => {
  const { isOneTooMany } = open()
  const hosts = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4']
  expect(hosts.map((host) => isOneTooMany(host))).toEqual([false, false, false, true])
  for (let index = 0; index < 3; index++) isOneTooMany('192.0.2.1')
  for (let index = 0; index < 20_000; index++) isOneTooMany(`10.0.${index >> 8}.${index & 255}`)
  expect(isOneTooMany('192.0.2.1')).toBe(false)
})
