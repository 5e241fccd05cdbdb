import { afterAll, describe, expect, it } from 'vitest'
import { startDocumentedServer } from './support/documented-calls.ts'
import { codeOf } from './support/harness.ts'
import { emailOf } from './support/populated-server.ts'

const { server, calls, tokens } = await startDocumentedServer()
afterAll(() => server.stop())

const bodyOf = ({ method }: { method: string }) => (method === 'GET' ? {} : { body: {} })

describe('a token opens the routes of its kind, and nothing else (P4)', () => {
  /** Every way in which a client may offer a token. */
  const offers: Record<string, (token: string) => { headers?: Record<string, string>; query?: string }> = {
    Bearer: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    'Basic password': (token) => ({
      headers: { authorization: `Basic ${btoa(`${emailOf('phone')}:${token}`)}` },
    }),
    'Basic user': (token) => ({ headers: { authorization: `Basic ${btoa(`${token}:`)}` } }),
    cookie: (token) => ({
      headers: { cookie: `sallyport=${token}; __Host-sallyport=${token}`, 'sec-fetch-site': 'same-origin' },
    }),
    'refresh cookie': (token) => ({
      headers: { cookie: `sallyport-refresh=${token}`, 'sec-fetch-site': 'same-origin' },
    }),
    query: (token) => ({ query: `?temp_token=${token}&access_token=${token}&token=${token}` }),
  }

  it.each(Object.keys(offers))('a pending token as %s on every route', async (way) => {
    const { headers = {}, query = '' } = offers[way]!(tokens.pending)
    const opened = []
    for (const call of calls) {
      if (call.operation.tags[0] === 'Operators') continue
      const { status } = await server.call(call.method, call.path + query, { headers, ...bodyOf(call) })
      const guarded = call.access !== 'public' && call.access !== 'pending'
      if (!(guarded ? [401] : [400, 401, 403]).includes(status)) opened.push(`${call.name}: ${status}`)
    }
    expect(opened).toEqual([])
    // It is no dead token that was offered: in the body of its own routes it is looked at.
    const body = { temp_token: tokens.pending, code: 'wrong' }
    expect((await server.call('POST', '/auth/mfa/verify', { body })).body.code).toBe('invalid_code')
  })

  const kinds: [string, () => string, (access: string) => boolean][] = [
    ['an enrolment token', () => tokens.enrolling, (access) => access === 'enrolling'],
    ["a user's access token", () => tokens.bob, (access) => /^(session|enrolling|proven)$/.test(access)],
    ["an administrator's access token", () => tokens.ada, (access) => !access.startsWith('key:')],
    ["an application's key", () => server.keys.pbx, (access) => access.startsWith('key:mfa:')],
    ['a key with the scope admin', () => server.keys.admin, (access) => /^(key|security):/.test(access)],
  ]

  it.each(kinds)('%s', async (_, token, admits) => {
    const opened = []
    for (const call of calls) {
      if (admits(call.access) || call.access === 'public' || call.access === 'pending') continue
      const { status } = await server.call(call.method, call.path, { token: token(), ...bodyOf(call) })
      if (status !== 401 && status !== 403) opened.push(`${call.name}: ${status}`)
    }
    expect(opened).toEqual([])
  })

  it('nothing at all', async () => {
    const opened = []
    for (const call of calls) {
      if (call.access === 'public' || call.access === 'pending') continue
      const { status, body } = await server.call(call.method, call.path, bodyOf(call))
      if (status !== 401 || !/^invalid_(token|api_key)$/.test(body.code))
        opened.push(`${call.name}: ${status}`)
    }
    expect(opened).toEqual([])
  })

  it('an access token that was signed out, and a refresh token in its place', async () => {
    const { access, refresh } = await server.signIn('spare')
    expect((await server.call('GET', '/auth/me', { token: refresh })).status).toBe(401)
    expect((await server.call('GET', '/auth/me', { token: access })).status).toBe(200)
    await server.call('POST', '/auth/logout', { token: access })
    expect((await server.call('GET', '/auth/me', { token: access })).status).toBe(401)
    expect((await server.call('POST', '/auth/refresh', { body: { refresh_token: refresh } })).status).toBe(
      401,
    )
    const told = await server.call('POST', '/auth/introspect', {
      token: server.keys.pbx,
      body: { token: access },
    })
    expect(told.body).toEqual({ active: false })
  })
})

describe("one application's key", () => {
  it("sees nothing of another's subjects, nor of the people who sign in", async () => {
    const { pbx, erp } = server.keys
    const enrolled = await server.call('POST', '/api/mfa/enroll', { token: pbx, body: { extension: '1001' } })
    expect(enrolled.status).toBe(200)
    for (const extension of ['1001', emailOf('ada'), emailOf('phone')]) {
      const subject = encodeURIComponent(extension)
      const ask = (method: string, path: string, body?: unknown) =>
        server.call(method, `/api/mfa/${path}`, { token: erp, ...(body !== undefined && { body }) })
      expect((await ask('GET', `status/${subject}`)).body).toMatchObject({ enabled: false, methods: [] })
      expect((await ask('GET', `subjects/${subject}/export`)).status).toBe(404)
      expect((await ask('DELETE', `subjects/${subject}`)).status).toBe(404)
      expect((await ask('POST', 'verify-enrollment', { extension, code: '123456' })).body.code).toBe(
        'nothing_pending',
      )
      const code = extension === emailOf('phone') ? codeOf(server.phone.secret, Date.now()) : '123456'
      expect((await ask('POST', 'verify', { extension, code })).body.code).toBe('invalid_code')
      expect((await ask('POST', 'disable', { extension, code })).body.code).toBe('invalid_code')
      expect((await ask('POST', 'challenge', { extension, method: 'email' })).body.code).toBe(
        'nothing_enrolled',
      )
    }
    expect((await server.call('GET', '/api/mfa/subjects/1001/export', { token: pbx })).status).toBe(200)
  })
})

describe('a call with the session cookie (CSRF)', () => {
  const from = (headers: Record<string, string>) => ({
    headers: { cookie: `sallyport=${tokens.bob}`, ...headers },
  })

  it.each([
    ['no word where it comes from', {}],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another site that claims our origin', { 'sec-fetch-site': 'cross-site', origin: 'OURS' }],
    ['a sister domain', { 'sec-fetch-site': 'same-site' }],
    ['an address typed in', { 'sec-fetch-site': 'none' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['a sandboxed frame', { origin: 'null' }],
    ['an origin that begins like ours', { origin: 'OURS.evil.example' }],
    ['a referrer of ours alone', { referer: 'OURS/' }],
  ])('is refused with %s, on every route that changes something', async (_, headers) => {
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value!.replace('OURS', server.url)]),
    )
    for (const call of calls) {
      if (call.method === 'GET' || !/session|proven|enrolling/.test(call.access)) continue
      const { status, body } = await server.call(call.method, call.path, { ...from(own), body: {} })
      expect([call.name, status, body.code]).toEqual([call.name, 403, 'csrf_refused'])
    }
  })

  it.each([
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin' }],
    ['Origin', { origin: 'OURS' }],
  ])('is let in from our own pages by %s', async (_, headers) => {
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('OURS', server.url)]),
    )
    expect((await server.call('POST', '/auth/step-up', from(own))).body.code).toBe('nothing_enrolled')
  })
})

describe('whether there is such an account', () => {
  const plain = ({ status, headers, text }: { status: number; headers: Headers; text: string }) => {
    const kept = [...headers].filter(([name]) => name !== 'date').toSorted()
    return { status, text, headers: kept }
  }

  it('cannot be told from the answer to a wrong password', async () => {
    const attempt = (email: string) =>
      server.call('POST', '/auth/login', { body: { email, password: 'wrong' } })
    const unknown = plain(await attempt('nobody@example.org'))
    for (const name of ['bob', 'ada', 'phone', 'clerk'])
      expect(plain(await attempt(emailOf(name)))).toEqual(unknown)
    for (const odd of ['   ', 'a\0b', 'x'.repeat(254), '\u202ebob'])
      expect(plain(await attempt(odd))).toEqual(unknown)
  })

  it('cannot be told from the answer to a forgotten password', async () => {
    const ask = (email: string) => server.call('POST', '/auth/password/reset/request', { body: { email } })
    const unknown = plain(await ask('nobody@example.org'))
    expect(unknown.status).toBe(200)
    for (const name of ['bob', 'ada', 'phone']) expect(plain(await ask(emailOf(name)))).toEqual(unknown)
  })
})
