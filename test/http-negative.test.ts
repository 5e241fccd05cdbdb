import { parseAddress } from '@sallyport/core'
import type { JsonSchema, OpenApi, Operation } from '@sallyport/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientAddress } from '../gates/http/src/client-address.ts'
import { faultsOf } from './fuzz/json-schema.ts'
import { codeOf } from './support/harness.ts'
import { emailOf, type PopulatedServer, password, startPopulatedServer } from './support/populated-server.ts'

interface Call {
  name: string
  method: string
  path: string
  operation: Operation
  access: Operation['x-access']
}

let server: PopulatedServer
let document: OpenApi
let calls: Call[]
const tokens = { pending: '', enrolling: '', bob: '', ada: '' }

beforeAll(async () => {
  server = await startPopulatedServer()
  document = (await server.call('GET', '/openapi.json')).body
  calls = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const path = template.replaceAll(/\{\w+\}/g, 'nothing')
      const name = `${method.toUpperCase()} ${template}`
      return { name, method: method.toUpperCase(), path, operation, access: operation['x-access'] }
    }),
  )
  tokens.pending = await server.pendingToken()
  tokens.enrolling = await server.enrolmentToken()
  tokens.bob = (await server.signIn('bob')).access
  tokens.ada = (await server.signIn('ada')).access
})
afterAll(() => server?.stop())

const bodySchema = ({ operation }: Call) => operation.requestBody?.content['application/json']?.schema
const bodyOf = (call: Call) => (call.method === 'GET' ? {} : { body: {} })

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
      if (!(guarded ? [401] : [400, 401]).includes(status)) opened.push(`${call.name}: ${status}`)
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
    ['a key with the scope admin', () => server.keys.admin, (access) => access.startsWith('key:')],
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

describe('a field of the wrong type', () => {
  const wild = [{}, [], 7, null, true, { length: 6 }, ['123456'], '\ud800']
  const fitting = (call: Call): string | undefined => {
    if (call.access.startsWith('key:')) return server.keys.admin
    return call.access.includes('admin') ? tokens.ada : call.access === 'public' ? undefined : tokens.bob
  }

  it('is refused by its path, in every body there is', async () => {
    let tried = 0
    for (const call of calls) {
      const schema = bodySchema(call)
      for (const [field, shape] of Object.entries(schema?.properties ?? {})) {
        for (const value of wild.filter((one) => faultsOf(one, shape, { document }).length > 0)) {
          const token = fitting(call)
          const body = { ...example(schema!), [field]: value }
          const answer = await server.call(call.method, call.path, { ...(token && { token }), body })
          const told = { call: call.name, field, value, status: answer.status, code: answer.body.code }
          expect(told).toMatchObject({ status: 400, code: 'invalid_input' })
          const paths = answer.body.errors.map(({ path }: { path: string }) => path)
          expect(paths.some((path: string) => path === field || path.startsWith(field))).toBe(true)
          tried++
        }
      }
    }
    expect(tried).toBeGreaterThan(300)
  })

  it('is refused in the place of a whole body', async () => {
    for (const call of calls.filter((one) => bodySchema(one))) {
      for (const body of ['[]', '7', 'null', 'true', '"x"', '[{}]', '{"__proto__":{"code":"1"}}']) {
        const token = fitting(call)
        const { status } = await server.call(call.method, call.path, { ...(token && { token }), body })
        expect([call.name, body, status]).toEqual([call.name, body, 400])
      }
    }
  })

  it('is never counted as a guess', async () => {
    const temp_token = await server.pendingToken()
    const guess = async (code: unknown) =>
      (await server.call('POST', '/auth/mfa/verify', { body: { temp_token, code } })).body
    const { attempts_left: before } = await guess('000000')
    for (const value of wild.slice(0, -1)) expect((await guess(value)).code).toBe('invalid_input')
    expect((await guess('000000')).attempts_left).toBe(before - 1)
  })

  it('is refused beside good fields: unknown ones, and twice the same name', async () => {
    const body = { email: emailOf('bob'), password, role: 'admin' }
    const refused = await server.call('POST', '/auth/login', { body })
    expect([refused.status, refused.body.errors]).toEqual([400, [{ path: 'role', message: 'unknown field' }]])
  })

  /** Something that a schema takes, with nothing in it that does any harm. */
  function example(schema: JsonSchema): Record<string, unknown> {
    const fields = (schema.required ?? []).map((name) => [name, exampleOf(schema.properties?.[name] ?? {})])
    return Object.fromEntries(fields)
  }

  function exampleOf({ type, enum: values, minLength = 1, properties }: JsonSchema): unknown {
    if (values) return values[0]
    if (type === 'string') return 'x'.repeat(minLength)
    if (type === 'integer' || type === 'number') return 1
    if (type === 'boolean') return false
    if (type === 'array') return []
    return properties ? example({ properties }) : {}
  }
})

describe('methods, headers and sizes', () => {
  const safe: Record<string, string | RegExp> = {
    'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  }
  const expectSafe = (headers: Headers) => {
    for (const [name, value] of Object.entries(safe)) expect(headers.get(name)).toMatch(value)
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  }

  it('answers another method with 405 and the ones there are, and an unknown path with 404', async () => {
    for (const [template, methods] of Object.entries(document.paths)) {
      const path = template.replaceAll(/\{\w+\}/g, 'nothing')
      const there = Object.keys(methods).map((method) => method.toUpperCase())
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (one) => !there.includes(one),
      )
      for (const method of others) {
        const { status, headers, body } = await server.call(method, path)
        const told = { method, path, status, code: body.code }
        // `policies/check` is a path of its own, and not one of `policies/:name`: either may answer.
        expect(told).toMatchObject({ status: 405, code: 'method_not_allowed' })
        expect(
          headers
            .get('allow')
            ?.split(', ')
            .filter((one) => one !== 'HEAD'),
        ).toEqual(there.sort())
        expectSafe(headers)
      }
    }
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
      const { status, headers } = await server.call(method, '/auth/nothing')
      expect([method, status]).toEqual([method, 404])
      expectSafe(headers)
    }
  })

  it('answers HEAD as it answers GET, without the body', async () => {
    for (const call of calls.filter(({ method, access }) => method === 'GET' && access !== 'admin')) {
      const token = call.access.startsWith('key:') ? server.keys.pbx : tokens.bob
      const [get, head] = [
        await server.call('GET', call.path, { token }),
        await server.call('HEAD', call.path, { token }),
      ]
      expect([call.name, head.status, head.text]).toEqual([call.name, get.status, ''])
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
    }
  })

  it('sends its security headers with every kind of answer', async () => {
    const big = JSON.stringify({ email: 'x'.repeat(65_537), password: '' })
    const answers = [
      await server.call('GET', '/auth/me', { token: tokens.bob }),
      await server.call('GET', '/auth/me'),
      await server.call('GET', '/api/admin/users', { token: tokens.bob }),
      await server.call('POST', '/auth/login', { body: '{' }),
      await server.call('POST', '/auth/login', { body: big }),
      await server.call('POST', '/auth/login', { body: { email: 'nobody@example.org', password } }),
      await server.call('POST', '/auth/step-up', { token: tokens.bob }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 403, 400, 413, 401, 409])
    for (const { headers } of answers) {
      expectSafe(headers)
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it('clears the cookies of a session that is over, though it answers with a problem', async () => {
    const headers = { cookie: 'sallyport-refresh=nothing', 'sec-fetch-site': 'same-origin' }
    const { status, headers: sent } = await server.call('POST', '/auth/refresh', { headers })
    expect(status).toBe(401)
    expect(sent.getSetCookie()).toEqual([
      expect.stringMatching(/^sallyport=; Max-Age=0/),
      expect.stringMatching(/^sallyport-refresh=; Max-Age=0/),
    ])
  })

  it('believes no forwarding header of a stranger', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
      'x-real-ip': '203.0.113.9',
    }
    const body = { email: emailOf('bob'), password }
    const { body: signedIn } = await server.call('POST', '/auth/login', { headers, body })
    const { body: listed } = await server.call('GET', '/auth/sessions', { token: signedIn.access_token })
    const current = listed.sessions.find((session: { current: boolean }) => session.current)
    expect(current.address).toBe('127.0.0.1')
  })

  it.each([
    ['a stranger', [], '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a proxy', ['10.0.0.0/8'], '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a proxy as mapped IPv6', ['10.0.0.0/8'], '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['two proxies', ['10.0.0.0/8'], '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    [
      'a proxy, and a forged first hop',
      ['10.0.0.0/8'],
      '10.0.0.1',
      '192.0.2.66, 198.51.100.1',
      '198.51.100.1',
    ],
    ['a proxy that says nothing', ['10.0.0.0/8'], '10.0.0.1', undefined, '10.0.0.1'],
    ['a proxy that says nonsense', ['10.0.0.0/8'], '10.0.0.1', 'unknown, <x>', '10.0.0.1'],
    ['a proxy that says itself', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.1', '10.0.0.1'],
    ['a proxy, and IPv6', ['::1/128'], '::1', '2001:DB8:0::1', '2001:db8::1'],
  ])('reads the address behind %s', (_, trusted, socket, forwarded, expected) => {
    const context = {
      env: { incoming: { socket: { remoteAddress: socket } } },
      req: { header: (name: string) => (name === 'x-forwarded-for' ? forwarded : undefined) },
    }
    const address = createClientAddress(trusted)(context as never)
    expect(address).toBe(expected)
    expect(parseAddress(address)).not.toBeNull()
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
