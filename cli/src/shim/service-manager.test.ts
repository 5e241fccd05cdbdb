import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { serviceManagerOf } from './service-manager.ts'

const directory = mkdtempSync(join(tmpdir(), 'service-'))
afterAll(() => rmSync(directory, { recursive: true }))

it('gives no sign of life while the gate does not answer, and one for a refusal', async () => {
  const heard = join(directory, 'heard')
  const program = join(directory, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $1" >> ${heard}\n`, { mode: 0o755 })
  const environment = { PATH: directory, NOTIFY_SOCKET: '/run/its.sock', WATCHDOG_USEC: '3000' }
  const manager = serviceManagerOf(environment)
  expect(environment).not.toHaveProperty('NOTIFY_SOCKET')
  const asked: (() => void)[] = []
  const answers = () => new Promise((_, reject) => asked.push(() => reject(new Error('the disk is full'))))
  const log = { info() {}, warn() {}, error: vi.fn() }
  await manager.attend(answers, log)
  await vi.waitFor(() => expect(asked).toHaveLength(1))
  expect(readFileSync(heard, 'utf8')).toBe('/run/its.sock READY=1\n')
  asked[0]!()
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  expect(readFileSync(heard, 'utf8')).toBe('/run/its.sock READY=1\n/run/its.sock WATCHDOG=1\n')
  manager.stop()
  expect(log.error).not.toHaveBeenCalled()
})

it('says nothing where no systemd asked for it', async () => {
  const answers = vi.fn(async () => {})
  await serviceManagerOf({ PATH: directory, WATCHDOG_USEC: '3000' }).attend(answers, {
    ...{ info() {}, warn() {}, error() {} },
  })
  expect(answers).not.toHaveBeenCalled()
})
