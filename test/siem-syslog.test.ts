import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { createTlsSyslog } from '@sallyport/adapters'
import { siemFormats } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory } from './support/cli.ts'
import { hostileEvent, hostileTexts } from './support/hostile-events.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'
import { makeRsyslog, makeSyslogNg, type SyslogReceiver } from './support/syslog-receivers.ts'

vi.setConfig({ testTimeout: 60_000 })

const authority = makeDirectory()
const pem = (name: string) => readFileSync(join(authority.path, name), 'utf8')
const source = { host: 'here', version: '1.2.3' }
const soon = () => AbortSignal.timeout(10_000)

beforeAll(() => makeSiemCertificates(authority.path))
afterAll(() => authority.remove())

function ours(name = 'client') {
  return { ca: pem('ca.pem'), cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
}

describe.each([
  { name: 'rsyslog', make: makeRsyslog },
  { name: 'syslog-ng', make: makeSyslogNg },
])('$name, configured as the guide says', ({ make }) => {
  const directory = makeDirectory()
  let receiver: SyslogReceiver
  beforeAll(async () => {
    makeSiemCertificates(directory.path)
    for (const name of ['ca.pem', 'client.pem', 'client.key', 'stranger.pem', 'stranger.key']) {
      void name
    }
    receiver = await make(directory.path)
    await receiver.start()
  })
  afterAll(async () => {
    await receiver?.stop('SIGKILL')
    directory.remove()
  })
  const own = (name = 'client') => ({
    ca: readFileSync(join(directory.path, 'ca.pem'), 'utf8'),
    cert: readFileSync(join(directory.path, `${name}.pem`), 'utf8'),
    key: readFileSync(join(directory.path, `${name}.key`), 'utf8'),
  })
  const deliver = (lines: readonly string[], tls: object = own()) =>
    createTlsSyslog({ host: 'localhost', port: receiver.port, tls }).deliver(lines, soon())

  it.each(['rfc5424', 'cef'] as const)('keeps each hostile event as one line of %s', async (format) => {
    const before = receiver.lines().length
    const lines = hostileTexts.map((text, index) => siemFormats[format](hostileEvent(text, index), source))
    const t = performance.now()
    await deliver(lines)
    console.log(performance.now() - t)
    await vi.waitFor(() => expect(receiver.lines()).toHaveLength(before + lines.length))
    expect(receiver.lines().slice(before)).toEqual(lines)
  })

  it('lets nobody in who has no certificate of the authority', async () => {
    await expect(deliver(['x'], own('stranger'))).rejects.toMatchObject({ code: 'siem_unavailable' })
    await expect(deliver(['x'], { ca: own().ca })).rejects.toMatchObject({ code: 'siem_unavailable' })
  })
})
