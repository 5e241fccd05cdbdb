import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { createTlsSyslog } from '@sallyport/adapters'
import { siemFormats } from '@sallyport/core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { hostileEvent, hostileTexts } from '../core/src/siem/hostile-events.fixture.ts'
import { makeDirectory } from './support/cli.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'
import { makeRsyslog, makeSyslogNg, type SyslogReceiver } from './support/syslog-receivers.ts'

vi.setConfig({ testTimeout: 60_000 })

const directory = makeDirectory()
const pem = (name: string) => readFileSync(join(directory.path, name), 'utf8')
const source = { host: 'here', version: '1.2.3' }
const ours = (name = 'client') => ({ ca: pem('ca.pem'), cert: pem(`${name}.pem`), key: pem(`${name}.key`) })
const unavailable = (message: RegExp) => ({
  code: 'siem_unavailable',
  message: expect.stringMatching(message),
})

function deliver(port: number, lines: readonly string[], tls: object = ours(), wait = 20_000): Promise<void> {
  const transport = createTlsSyslog({ host: 'localhost', port, tls })
  return transport.deliver(lines, AbortSignal.timeout(wait))
}

beforeAll(() => makeSiemCertificates(directory.path))
afterAll(() => directory.remove())

describe.each([
  { name: 'rsyslog', make: makeRsyslog },
  { name: 'syslog-ng', make: makeSyslogNg },
])('$name, configured as the guide says', ({ name, make }) => {
  let receiver: SyslogReceiver
  beforeAll(async () => {
    receiver = await make(directory.path, `${name}.log`)
    await receiver.start()
  })
  afterAll(() => receiver?.stop('SIGKILL'))

  it.each(['rfc5424', 'cef'] as const)('keeps each hostile event as one line of %s', async (format) => {
    const before = receiver.lines().length
    const lines = hostileTexts.map((text, index) => siemFormats[format](hostileEvent(text, index), source))
    await deliver(receiver.port, lines)
    await vi.waitFor(() => expect(receiver.lines().slice(before)).toEqual(lines))
  })

  it('lets nobody in who has no certificate of the authority, and confirms nothing to them', async () => {
    const before = receiver.lines()
    for (let round = 0; round < 10; round++) {
      for (const tls of [ours('stranger'), { ca: pem('ca.pem') }]) {
        await expect(deliver(receiver.port, ['forged'], tls)).rejects.toMatchObject({
          code: 'siem_unavailable',
        })
      }
    }
    expect(receiver.lines()).toEqual(before)
  })

  it('loses nothing that was confirmed when it is stopped and started in between', async () => {
    const confirmed: string[] = []
    const line = (index: number) => `<86>1 2026-11-09T12:00:00Z here sallyport - test - event ${index}`
    let index = 0
    const batch = async () => {
      const lines = Array.from({ length: 20 }, () => line(index++))
      await deliver(receiver.port, lines).then(
        () => void confirmed.push(...lines),
        () => {},
      )
    }
    for (let round = 0; round < 3; round++) {
      await batch()
      await Promise.all([batch(), batch(), receiver.stop()])
      await expect(deliver(receiver.port, ['x'])).rejects.toMatchObject(unavailable(/nobody listens there/))
      await receiver.start()
    }
    await batch()
    expect(confirmed.length).toBeGreaterThanOrEqual(80)
    await vi.waitFor(() => expect(receiver.lines()).toEqual(expect.arrayContaining(confirmed)))
  })
})

describe('a receiver', () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function listen(options: TlsOptions, talk: (socket: TLSSocket) => void = () => {}): Promise<number> {
    const receiver = { key: pem('receiver.key'), cert: pem('receiver.pem') }
    const sockets = new Set<TLSSocket>()
    const server = createServer({ ...receiver, ...options }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      talk(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    return (server.address() as AddressInfo).port
  }
  const reading = (socket: TLSSocket) => void socket.resume()

  it('by another authority is refused', async () => {
    const port = await listen({}, reading)
    const tls = { ...ours(), ca: pem('other-ca.pem') }
    await expect(deliver(port, ['x'], tls)).rejects.toMatchObject(
      unavailable(/not to be trusted.*siem\.tls\.ca_file/),
    )
    await expect(deliver(port, ['x'], {})).rejects.toMatchObject(unavailable(/not to be trusted/))
  })

  it('is refused whatever the environment says of it', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      const port = await listen({}, reading)
      const refused = deliver(port, ['x'], { ca: pem('other-ca.pem') })
      await expect(refused).rejects.toMatchObject(unavailable(/not to be trusted/))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('with a certificate that expired, or of another name, is refused', async () => {
    const expired = await listen({ key: pem('expired.key'), cert: pem('expired.pem') }, reading)
    await expect(deliver(expired, ['x'])).rejects.toMatchObject(unavailable(/has expired/))
    const other = await listen({ key: pem('client.key'), cert: pem('client.pem') }, reading)
    await expect(deliver(other, ['x'])).rejects.toMatchObject(unavailable(/is for another name/))
  })

  it('of TLS 1.1 is refused, and one of 1.2 taken', async () => {
    const old = await listen(
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      reading,
    )
    await expect(deliver(old, ['x'])).rejects.toMatchObject(unavailable(/does not speak TLS 1\.2/))
    await deliver(await listen({ maxVersion: 'TLSv1.2' }, reading), ['x'])
  })

  it('is told what is wrong with our own files', async () => {
    const port = await listen({}, reading)
    const tls = { ...ours(), cert: 'no certificate' }
    await expect(deliver(port, ['x'], tls)).rejects.toMatchObject(unavailable(/our own certificate or key/))
  })

  it.each<[string, (socket: TLSSocket) => void]>([
    ['closes at once', (socket) => void socket.end()],
    ['closes when it has read', (socket) => void socket.once('data', () => socket.end())],
    ['breaks off', (socket) => void socket.destroy()],
    ['breaks off when it has read', (socket) => void socket.once('data', () => socket.destroy())],
  ])('that %s before us has confirmed nothing', async (_, talk) => {
    const port = await listen({}, talk)
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index} ${'x'.repeat(1_000)}`)
    for (let round = 0; round < 5; round++) {
      await expect(deliver(port, lines)).rejects.toMatchObject({ code: 'siem_unavailable' })
    }
  })

  it('that reads and never closes has confirmed nothing', async () => {
    const port = await listen({ allowHalfOpen: true } as TlsOptions, reading)
    await expect(deliver(port, ['x'], ours(), 300)).rejects.toMatchObject(
      unavailable(/has not confirmed in time/),
    )
  })

  it('that is slow has confirmed once it has read all', async () => {
    let read = 0
    const port = await listen({}, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        read += chunk.length
        socket.pause()
        setImmediate(() => socket.resume())
      })
    })
    const lines = Array.from({ length: 50 }, () => 'x'.repeat(1_000))
    await deliver(port, lines)
    expect(read).toBe(50 * 1_005)
  })
})
