import { closeSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@sallyport/core'
import type { KeptLine } from '../endpoints/keep-line.ts'
import { createGateSession } from '../gate/gate-session.ts'
import { createRecorder } from '../recorder/recorder.ts'
import { openSigningKey } from '../recorder/signing-key.ts'
import { systemTimers } from '../timers.ts'
import { chunkOf } from './chunks.fixture.ts'

/**
 * One session of the gate in strict mode, between a technician who types without end and a device that is
 * file descriptor 3. Says `open`, and `stopped` with the reason and the time since the device last had a byte.
 */
const [dir = '', seed = '1'] = process.argv.slice(2)
const device = 3
let fed = 0
let lastByte = performance.now()
let over = false

const recorder = createRecorder({
  ...{ dir: join(dir, 'sessions'), signingKey: openSigningKey(join(dir, 'state'), systemRandom) },
  ...{ auditorKeys: [], random: systemRandom, clock: { ...systemClock, monotonic: systemTimers.monotonic } },
  limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
})

function lineOf(write: (bytes: Uint8Array) => void): KeptLine {
  const nothing = () => {}
  const line = {
    ...{ pause: nothing, resume: nothing, drive: nothing, sendBreak: nothing, cut: nothing },
    write(bytes: Uint8Array, written?: () => void) {
      write(bytes)
      written?.()
    },
  }
  return { line, tried: Promise.resolve(), cut: nothing, stop: nothing }
}

function toDevice(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(device, bytes, at)
    lastByte = performance.now()
  } catch (error) {
    void end(`device lost (${(error as NodeJS.ErrnoException).code})`)
  }
}

const session = createGateSession({
  ...{ id: 'trial', timers: systemTimers, typedAt: 0, recorder, greeting: 'open' },
  rules: {
    ...{ recording: 'strict', idle_timeout: 60_000, max_duration: 60_000, max_bytes: 1e9 },
    on_idle: 'emergency_stop',
  },
  near: lineOf(() => {}),
  far: lineOf(toDevice),
  header: {
    ...{ session: 'trial', port: 'service', software: 'test', policy: null, portSettings: {}, clock: {} },
    ...{ device: { id: 'device' }, technician: { id: 'technician' }, openedBy: [] },
  },
  onEvent: (event) => void end('reason' in event ? event.reason : event.type),
  onGap() {},
})

async function end(reason: string): Promise<void> {
  if (over) return
  over = true
  session.cut()
  console.log(`stopped ${Math.round(performance.now() - lastByte)} ${reason}`)
  await session.close(reason, 'cut').catch(() => {})
  closeSync(device)
  process.exit(0)
}

await session.open()
console.log('open')
function feed(): void {
  for (let n = 0; n < 4 && !over; n++) session.pass('in', chunkOf(Number(seed), fed++))
  if (!over) setTimeout(feed, 1)
}
feed()
