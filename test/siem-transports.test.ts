import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createHttpsBatches, createJsonFile } from '@sallyport/adapters'
import { siemFormats } from '@sallyport/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hostileEvent, hostileTexts } from '../core/src/siem/hostile-events.fixture.ts'
import { makeDirectory } from './support/cli.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'

const directory = makeDirectory()
const at = (name: string) => join(directory.path, name)
const pem = (name: string) => readFileSync(at(name), 'utf8')
const source = { host: 'here', version: '1.2.3' }
beforeAll(() => makeSiemCertificates(directory.path))
afterAll(() => directory.remove())

describe('batches over HTTPS', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  async function listen(answer: (request: IncomingMessage, response: ServerResponse) => unknown, tls = {}) {
    const receiver = { key: pem('receiver.key'), cert: pem('receiver.pem') }
    server = createServer({ ...receiver, ...tls }, (request, response) => void answer(request, response))
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `https://localhost:${(server.address() as AddressInfo).port}/ingest?source=a`
  }
  const deliver = (
    url: string,
    lines: readonly string[],
    tls: object = { ca: pem('ca.pem') },
    wait = 5_000,
  ) => createHttpsBatches({ url, tls, token: 'canary-token' }).deliver(lines, AbortSignal.timeout(wait))

  it('are one JSON array each, with the token, in order', async () => {
    const calls: { method?: string; url?: string; token?: string; body: Record<string, unknown>[] }[] = []
    const url = await listen(async (request, response) => {
      const { method, url, headers } = request
      const body = JSON.parse(await text(request))
      calls.push({ method: method!, url: url!, token: headers.authorization!, body })
      response.writeHead(202).end('{"taken":true}')
    })
    const events = hostileTexts.map((typed, index) => hostileEvent(typed, index))
    await deliver(
      url,
      events.map((event) => siemFormats.ocsf(event, source)),
    )
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ method: 'POST', url: '/ingest?source=a', token: 'Bearer canary-token' })
    expect(calls[0]!.body.map(({ metadata }) => (metadata as { uid: string }).uid)).toEqual(
      events.map(({ id }) => id),
    )
  })

  it.each([
    [500, /it answered 500/],
    [401, /it answered 401; see siem\.token_file/],
    [413, /it answered 413/],
    [302, /it answered 302;.*redirections are not followed/],
    [404, /it answered 404; see the path/],
  ])('are not confirmed by %i', async (status, message) => {
    const url = await listen((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end('no'),
    )
    const failure = await deliver(url, ['{}']).catch((error: Error) => error)
    expect(failure).toMatchObject({ code: 'siem_unavailable', message: expect.stringMatching(message) })
    expect(String(failure)).not.toContain('canary')
  })

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown]>([
    ['silence', () => {}],
    ['half an answer', (_, response) => response.writeHead(200, { 'content-length': '9' }).write('half')],
    ['an answer without end', (_, response) => response.writeHead(200).write('x'.repeat(100_000))],
    ['a connection that breaks', (request) => request.socket.destroy()],
  ])('are not confirmed by %s', async (_, answer) => {
    const url = await listen(answer)
    await expect(deliver(url, ['{}'], undefined, 300)).rejects.toMatchObject({ code: 'siem_unavailable' })
  })

  it('go to nobody by another authority, of another name or of TLS 1.1, nor without our certificate', async () => {
    const seen: unknown[] = []
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      seen.push(request) && response.end()
    const refused = async (tls: object, ours: object, message: RegExp) => {
      const url = await listen(answer, tls)
      await expect(deliver(url, ['{}'], ours)).rejects.toThrow(message)
      server.close()
    }
    const ca = pem('ca.pem')
    await refused({}, { ca: pem('other-ca.pem') }, /not to be trusted/)
    await refused({ key: pem('client.key'), cert: pem('client.pem') }, { ca }, /another name/)
    await refused({ key: pem('expired.key'), cert: pem('expired.pem') }, { ca }, /expired/)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }
    await refused(old, { ca }, /TLS 1\.2/)
    const asks = { requestCert: true, rejectUnauthorized: true, ca }
    await refused(asks, { ca }, /certificate|broke/)
    expect(seen).toEqual([])
    const url = await listen(answer, asks)
    await deliver(url, ['{}'], { ca, cert: pem('client.pem'), key: pem('client.key') })
    expect(seen).toHaveLength(1)
  })
})

describe('lines in a file', () => {
  const soon = () => AbortSignal.timeout(5_000)

  it('are for the owner alone, whole, and in a new file after a rotation', async () => {
    const path = at('events.jsonl')
    const file = createJsonFile({ path })
    await file.deliver(['{"a":1}', '{"a":2}'], soon())
    expect(statSync(path).mode & 0o777).toBe(0o600)
    renameSync(path, `${path}.1`)
    await file.deliver(['{"a":3}'], soon())
    expect([pem('events.jsonl.1'), pem('events.jsonl')]).toEqual(['{"a":1}\n{"a":2}\n', '{"a":3}\n'])
  })

  it('begin anew after one that a crash tore', async () => {
    const path = at('torn.jsonl')
    writeFileSync(path, '{"a":1}\n{"a":', { mode: 0o644 })
    await createJsonFile({ path }).deliver(['{"a":2}'], soon())
    expect(pem('torn.jsonl')).toBe('{"a":1}\n{"a":\n{"a":2}\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('are refused where they cannot be, or somebody else points elsewhere', async () => {
    const refused = createJsonFile({ path: at('nowhere/events.jsonl') }).deliver(['{}'], soon())
    await expect(refused).rejects.toThrow(/cannot be written \(ENOENT\); see that its directory is there/)
    symlinkSync(at('target'), at('link'))
    await expect(createJsonFile({ path: at('link') }).deliver(['{}'], soon())).rejects.toThrow(/ELOOP/)
    expect(existsSync(at('target'))).toBe(false)
    await expect(createJsonFile({ path: '/dev/null' }).deliver(['{}'], soon())).rejects.toThrow(
      /it is no file/,
    )
    await expect(createJsonFile({ path: directory.path }).deliver(['{}'], soon())).rejects.toThrow(/EISDIR/)
  })
})
