import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { randomInteger, shipperStatus, systemRandom } from '@sallyport/core'
import { expect, it, vi } from 'vitest'
import { makeDirectory } from './support/cli.ts'
import { openSqlite } from './support/databases.ts'
import { epoch, openHarness } from './support/harness.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'
import { makeRsyslog } from './support/syslog-receivers.ts'

const kills = 4
const recordsEach = 40
const fixture = fileURLToPath(new URL('support/shipping.fixture.ts', import.meta.url))

it(`loses nothing when a node is killed ${kills} times in the midst of shipping`, {
  timeout: 120_000,
}, async () => {
  const directory = makeDirectory()
  makeSiemCertificates(directory.path)
  const receiver = await makeRsyslog(directory.path, 'received.log')
  const place = await openSqlite()
  try {
    await receiver.start()
    for (let life = 0; life <= kills; life++) {
      // Longer than a claim lasts lies between two lives.
      const words = [place.location, directory.path, receiver.port, epoch + life * 60_000, recordsEach]
      const child = spawn(process.execPath, [fixture, ...words.map(String)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'close')
      await Promise.race([once(child.stdout, 'data'), ended])
      if (life < kills) setTimeout(() => child.kill('SIGKILL'), randomInteger(systemRandom, 400))
      const [code] = await ended
      if (life === kills) expect(code).toBe(0)
    }
    const harness = await openHarness({ location: place.location })
    const status = await shipperStatus(harness.store)
    await harness.close()
    expect(status).toMatchObject({ failure: null, waiting: { alerts: 0, events: 0, entries: 0 } })

    const total = (kills + 1) * recordsEach
    const idsOf = () => receiver.lines().map((line) => / id="([^"]+)"/.exec(line)![1]!)
    await vi.waitFor(() => expect(new Set(idsOf()).size).toBe(2 * total))
    // Repeated or not, each first came in the order in which it was recorded.
    const plain = [...new Set(idsOf())]
      .filter((id) => id.startsWith('test:'))
      .map((id) => Number(id.slice(5)))
    const isAlert = (seq: number) => (seq - 1) % 10 === 0
    for (const kind of [plain.filter(isAlert), plain.filter((seq) => !isAlert(seq))]) {
      expect(kind).toEqual(kind.toSorted((a, b) => a - b))
    }
  } finally {
    await receiver.stop('SIGKILL')
    await place.remove()
    directory.remove()
  }
})
