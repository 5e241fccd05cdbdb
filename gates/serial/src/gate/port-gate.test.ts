import { expect, it } from 'vitest'
import type { Verdict } from '../decide/authority.ts'
import { createLoopback } from '../endpoints/loopback.fixture.ts'
import type { Recorder } from '../recorder/recording.ts'
import { initialState, type PortState, wholePort } from '../state/port-state.ts'
import { createTurnedTimers } from '../timers.fixture.ts'
import { createPortGate } from './port-gate.ts'

/** One port whose authority answers every line in the same way. */
async function makePort(parts: { saved?: Partial<PortState>; verdict: Verdict; farOpens?: Promise<void> }) {
  const near = createLoopback('near')
  const far = createLoopback('far', parts.farOpens && { opens: parts.farOpens })
  const timers = createTurnedTimers()
  const asked: string[] = []
  const gate = createPortGate({
    id: 'service',
    technician: near.endpoint,
    device: far.endpoint,
    rules: {
      ...{ recording: 'strict', idle_timeout: 60_000, max_duration: 60_000, max_bytes: 1_000 },
      ...{ on_idle: 'flush', banner: 'Who?' },
    },
    authority: {
      converse: () => ({
        async judge(text) {
          asked.push(text)
          return parts.verdict
        },
      }),
      ...{ async unlock() {}, isKnown: async () => true, clock: async () => ({ trusted: true }) },
    },
    breakGlass: { redeem: async () => null } as never,
    recorder: { open: () => Promise.reject(new Error('no recorder here')) } as never as Recorder,
    header: () => ({ technician: { id: 'alice' } }) as never,
    ...{ async journal() {}, async note() {} },
    timers,
    log: { info() {}, error() {} },
    saved: { ...initialState, ...parts.saved },
  })
  await expect.poll(() => gate.status().endpoints.technician).toBe('open')
  return { gate, near, far, asked, timers }
}

it('asks again when a proof comes too late: the port was locked meanwhile', async () => {
  const { gate, near, asked } = await makePort({
    saved: { name: 'LOCKED', locks: [wholePort] },
    verdict: { kind: 'granted', session: 's', technician: 'alice', openedBy: [] },
  })
  for (const line of ['alice 123456', 'alice 654321']) {
    near.take()
    near.type(`${line}\r`)
    await expect.poll(() => asked).toContain(line)
    let said = ''
    await expect.poll(() => (said += near.take())).toMatch(/The code is used up\.\r\nWho\?\r\n[\s\S]*> $/)
  }
  expect(gate.status()).toMatchObject({ state: 'LOCKED', session_id: null })
})

it('waits for the device when somebody types before its line is open, and not for ever', async () => {
  const verdict: Verdict = { kind: 'failed', lock: null }
  const opening = Promise.withResolvers<void>()
  const opened = await makePort({ verdict, farOpens: opening.promise })
  opened.near.type('alice 123456\r')
  expect(opened.near.take()).not.toContain('not connected')
  opening.resolve()
  await expect.poll(opened.near.take).toBe('Authentication failed.\r\n')

  const absent = await makePort({ verdict, farOpens: new Promise(() => {}) })
  absent.near.type('alice 123456\r')
  absent.near.take()
  absent.timers.pass(1_000)
  await expect.poll(absent.near.take).toContain('The device is not connected.')
  expect(absent.asked).toEqual([])
})
