import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@sallyport/core'
import { createRecorder } from './recorder.ts'
import type { RecordingMode } from './recording.ts'
import { openSigningKey } from './signing-key.ts'

/**
 * Records frames `0`, `1`, … in the directory and the mode it is given, and says each number once it is
 * acknowledged; `go` in the directory sets it off, so that what is done to it misses its start.
 */
const [dir = '', mode = 'strict', count = '1000000'] = process.argv.slice(2)

const recorder = createRecorder({
  dir: join(dir, 'sessions'),
  signingKey: openSigningKey(join(dir, 'state'), systemRandom),
  auditorKeys: [],
  clock: { ...systemClock, monotonic: () => performance.now() },
  random: systemRandom,
  limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
})
const recording = await recorder.open(
  {
    ...{ session: 'child', port: 'service', software: 'test', policy: null, portSettings: {}, clock: {} },
    ...{ device: { id: 'device' }, technician: { id: 'technician' }, openedBy: [] },
  },
  { mode: mode as RecordingMode, onGap: (error) => console.log(`gap ${(error as { code: string }).code}`) },
)
console.log('open')
while (!existsSync(join(dir, 'go'))) await new Promise((resolve) => setTimeout(resolve, 5))
try {
  for (let n = 0; n < Number(count); n++) {
    await recording.write('in', Buffer.from(String(n).padEnd(64)))
    console.log(n)
    if (mode === 'best-effort') await new Promise((resolve) => setImmediate(resolve))
  }
  await recording.close('done')
  console.log('closed')
} catch (error) {
  console.log(`failed ${(error as { code: string }).code}`)
}
