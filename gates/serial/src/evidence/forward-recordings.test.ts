import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateLedgerKey, loadLedgerKey, systemRandom } from '@sallyport/core'
import { createSqliteStore } from '@sallyport/store'
import { afterAll, expect, it } from 'vitest'
import { createRecorder } from '../recorder/recorder.ts'
import { summarize } from '../recorder/sessions-directory.ts'
import { createForwarding } from './forward-recordings.ts'

const directory = mkdtempSync(join(tmpdir(), 'forwarding-'))
afterAll(() => rmSync(directory, { recursive: true }))

it('looks once into what was handed over, however many recordings there are', async () => {
  const [dir, clock] = [join(directory, 'sessions'), { now: () => 1_800_000_000_000 }]
  const recorder = createRecorder({
    ...{ dir, auditorKeys: [], random: systemRandom, clock: { ...clock, monotonic: () => 0 } },
    signingKey: loadLedgerKey(generateLedgerKey(systemRandom)).privateKey,
    limits: { minFree: 0, maxTotal: 1e9, retention: null },
  })
  const header = {
    ...{ port: 'service', software: 'test', policy: null, portSettings: {}, clock: {}, openedBy: [] },
    ...{ device: { id: 'pump' }, technician: { id: 'alice' } },
  }
  const record = async (session: string) =>
    (await recorder.open({ ...header, session }, { mode: 'best-effort' })).close('over')
  const store = await createSqliteStore({ path: join(directory, 'shim.db'), clock })
  let looks = 0
  const look = (path: string) => {
    looks += 1
    return summarize(path)
  }
  const forwarding = createForwarding({ dir, store, clock, mostEvents: 1_000, look })
  const steps = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await forwarding.step()
      await store.transaction(async ({ spool }) => {
        for (const row of await spool.first('event', 100)) await spool.remove(row)
      })
    }
  }
  for (const session of ['one', 'two', 'three']) await record(session)
  await steps(8)
  for (const session of ['one', 'two', 'three']) expect(await forwarding.forwarded(session)).toBe(true)
  looks = 0
  await steps(3)
  expect(looks).toBe(0)
  await record('four')
  await steps(3)
  expect(await forwarding.forwarded('four')).toBe(true)
  await store.close()
})
