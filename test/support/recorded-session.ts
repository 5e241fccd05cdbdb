import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRandom } from '@sallyport/core'
import { createRecorder, generateAuditorKey, openSigningKey, parseAuditorKey } from '@sallyport/gate-serial'

/** One closed session in `dir/shim`, sealed to `dir/auditor.key`, with its checkpoint in `dir/kept.jsonl`. */
export async function recordSession(dir: string): Promise<void> {
  const { privateKeyPem, publicKey } = generateAuditorKey(systemRandom)
  writeFileSync(join(dir, 'auditor.key'), privateKeyPem, { mode: 0o600 })
  const storage = join(dir, 'shim')
  const recorder = createRecorder({
    dir: join(storage, 'sessions'),
    signingKey: openSigningKey(join(storage, 'state'), systemRandom),
    auditorKeys: [parseAuditorKey(publicKey)],
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: systemRandom,
    limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
  })
  const header = {
    ...{ session: 'one', port: 'service', software: 'test', policy: null, portSettings: {}, clock: {} },
    ...{ device: { id: 'empump-12' }, technician: { id: 'alice@example.org' }, openedBy: [] },
  }
  const recording = await recorder.open(header, { mode: 'strict' })
  await recording.write('out', Buffer.from('pressure: 3.2 kPa\r\n'))
  writeFileSync(join(dir, 'kept.jsonl'), `${JSON.stringify(recording.mark())}\n`)
  await recording.close('technician left')
}
