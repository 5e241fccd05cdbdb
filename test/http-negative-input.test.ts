import { parseAddress } from '@sallyport/core'
import type { JsonSchema } from '@sallyport/protocol'
import { afterAll, describe, expect, it } from 'vitest'
import { createClientAddress } from '../gates/http/src/client-address.ts'
import { faultsOf } from './fuzz/json-schema.ts'
import { type DocumentedCall, startDocumentedServer } from './support/documented-calls.ts'
import { emailOf, password } from './support/populated-server.ts'

const { server, document, calls, tokens } = await startDocumentedServer()
afterAll(() => server.stop())

const bodySchema = ({ operation }: DocumentedCall) =>
  operation.requestBody?.content['application/json']?.schema

describe('a field of the wrong type', () => {
  const wild = [{}, [], 7, null, true, { length: 6 }, ['123456'], '\ud800']
  const fitting = (call: DocumentedCall): string | undefined => {
    if (/^(key|security):/.test(call.access)) return server.keys.admin
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

  it('that is unknown is refused beside good ones', async () => {
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
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    const clientAddress = createClientAddress({ trustedProxies: trusted })
    const address = clientAddress({ headers, socket: { remoteAddress: socket } } as never)
    expect(address).toBe(expected)
    expect(parseAddress(address)).not.toBeNull()
  })
})

it('answers a changed password as documented, which no fuzzer comes by', async () => {
  const { access } = await server.signIn('spare')
  const body = { current_password: password, new_password: `${password}, another` }
  const answer = await server.call('POST', '/auth/password/change', { token: access, body })
  const { operation } = calls.find(({ name }) => name === 'POST /auth/password/change')!
  const schema = operation.responses[answer.status]?.content['application/json']?.schema ?? {}
  expect([answer.status, faultsOf(answer.body, schema, { document, closed: true })]).toEqual([200, []])
})
