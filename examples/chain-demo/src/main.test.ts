import { request } from 'node:http'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDemo, runDemo, startDemo } from './demo.fixture.ts'

describe('starting the demo', () => {
  it.each([
    '--prot 8000',
    '--port eighty',
    '--port 65536',
    '--port=-1',
    '--port',
    '--mode shuffled',
    'surplus',
    '--debug-codes=yes',
  ])('refuses %s with a sentence, and 2', async (flags) => {
    const { code, stdout, stderr } = await runDemo(...flags.split(' '))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^chain-demo: .+\n\nusage: npm run demo:chain/)
  })

  it('says how it is used when asked', async () => {
    const { code, stdout, stderr } = await runDemo('--help')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^usage: npm run demo:chain/)
  })

  it('says that a port is taken, and ends with 1', async () => {
    const demo = await startDemo()
    const { code, stderr } = await runDemo('--port', new URL(demo.base).port)
    await demo.stop()
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^chain-demo: port \d+ is taken; choose another with --port, or stop what uses it\n$/,
    )
  })
})

describe('over a real connection', () => {
  let demo: RunningDemo
  beforeAll(async () => {
    demo = await startDemo('--debug-codes')
  })
  afterAll(() => demo?.stop())

  async function begin(user: string): Promise<string> {
    for (const factor of ['google_auth', 'ms_auth']) {
      await fetch(`${demo.base}/users/${user}/factors/${factor}/enroll`, { method: 'POST' })
    }
    const start = await fetch(`${demo.base}/users/${user}/attempt/start`, { method: 'POST' })
    return ((await start.json()) as { session_id: string }).session_id
  }

  /** `fetch` chooses the Host header itself. */
  function statusFor(path: string, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request(`${demo.base}${path}`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode!)
      })
      sent.on('error', reject).end()
    })
  }

  it('gives no debug code to a page of another site that was led here (DNS rebinding)', async () => {
    const path = `/attempt/${await begin('alice')}/debug/current-code`
    const { host, port } = new URL(demo.base)
    expect(await statusFor(path, host)).toBe(200)
    expect(await statusFor(path, `localhost:${port}`)).toBe(200)
    expect(await statusFor(path, `elsewhere.example:${port}`)).toBe(404)
  })

  const inPieces = (bytes: Uint8Array) =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 16_384) controller.enqueue(bytes.subarray(at, at + 16_384))
        controller.close()
      },
    })

  it('refuses a megabyte, of stated length or not, and goes on with the connection', async () => {
    const megabyte = new Uint8Array(1_048_576).fill(32)
    for (const path of ['/attempt/verify', '/mfa/verify', '/users/alice/attempt/start', '/nothing']) {
      for (const body of [megabyte, inPieces(megabyte)]) {
        const init = { method: 'POST', body, duplex: 'half' } as RequestInit
        const response = await fetch(demo.base + path, init)
        expect(response.headers.get('connection')).not.toBe('close')
        expect([response.status, await response.json()]).toMatchObject([413, { code: 'payload_too_large' }])
      }
    }
  })

  it('cuts off a body without end', async () => {
    const socket = connect(Number(new URL(demo.base).port), '127.0.0.1')
    const cut = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    socket.on('error', () => {}) // what was on its way when it was cut
    socket.resume()
    socket.write('POST /mfa/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
    let sent = 0
    while (!socket.destroyed && sent < 1_024) {
      sent++
      if (!socket.write(chunk)) {
        await Promise.race([cut, new Promise((resolve) => socket.once('drain', resolve))])
      }
    }
    socket.destroy()
    expect(sent).toBeGreaterThan(64)
    expect(sent).toBeLessThan(1_024)
  })

  it('answers whatever is sent with less than 500', async () => {
    const session = await begin('fuzz')
    const word = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('google_auth', 'ms_auth', session),
    )
    const any = fc.oneof(word, fc.jsonValue(), fc.constantFrom(-1, 0.5, 1e300))
    const step = fc.record(
      { session_id: any, factor_id: any, user_input: any, window: any },
      { requiredKeys: [] },
    )
    const body = fc.oneof(
      step.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string({ unit: 'binary' }),
    )
    const segment = word.map((text) => encodeURIComponent(text.toWellFormed()) || '%')
    const path = fc.oneof(
      fc.constantFrom('/attempt/verify', '/mfa/verify'),
      segment.map((user) => `/users/${user}/attempt/start`),
      fc.tuple(segment, segment).map(([user, factor]) => `/users/${user}/factors/${factor}/enroll`),
      segment.map((id) => `/attempt/${id}/debug/current-code`),
      fc.array(segment).map((segments) => `/${segments.join('/')}`),
    )
    const method = fc.constantFrom('POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'OPTIONS')
    const header = fc.constantFrom(session, 'x', '%00', '"')
    const requests = fc.asyncProperty(method, path, body, header, async (method, path, body, header) => {
      const init = { method, headers: { 'x-session-id': header }, ...(method === 'GET' ? {} : { body }) }
      const response = await fetch(demo.base + path, init)
      await response.arrayBuffer()
      expect(response.status).toBeLessThan(500)
    })
    await fc.assert(requests, { numRuns: 500 })
  })
})
