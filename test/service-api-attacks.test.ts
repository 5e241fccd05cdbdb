import { SallyportError } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openSqlite, type Place } from './support/databases.ts'
import { epoch } from './support/harness.ts'
import { callsWith, enrol, openServiceGate, type ServiceGate } from './support/service-gate.ts'

const minute = 60_000
const largest = 64 * 1024

/** Every call there is, with a body that would do. */
const calls = [
  ['POST', 'enroll', { extension: '1' }],
  ['POST', 'verify-enrollment', { extension: '1', code: '123456' }],
  ['POST', 'verify', { extension: '1', code: '123456' }],
  ['POST', 'disable', { extension: '1', code: '123456' }],
  ['POST', 'challenge', { extension: '1', method: 'email' }],
  ['GET', 'status/1', undefined],
  ['GET', 'methods/1', undefined],
  ['DELETE', 'subjects/1', undefined],
  ['GET', 'subjects/1/export', undefined],
] as const

describe('who may call the service API', () => {
  let place: Place
  let gate: ServiceGate
  let pbx: Awaited<ReturnType<ServiceGate['addKey']>>

  beforeAll(async () => {
    place = await openSqlite()
    gate = await openServiceGate({ location: place.location })
    pbx = await gate.addKey()
  })

  afterAll(async () => {
    await gate?.close()
    await place?.remove()
  })

  async function send(method: string, path: string, headers: Record<string, string>, body?: unknown) {
    const response = await fetch(`${gate.url}/api/mfa/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as { code: string } }
  }

  it.each(calls)('%s %s wants a key in the header, and takes it nowhere else', async (method, path, body) => {
    const refused = { status: 401, body: { code: 'invalid_api_key' } }
    const { key } = pbx
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
    for (const headers of [
      {},
      { authorization: key },
      { authorization: `Bearer ${key}x` },
      { authorization: `Bearer ${key.slice(0, -1)}` },
      { authorization: `Bearer ${key.toUpperCase()}` },
      { authorization: basic(`${key}:`) },
      { authorization: basic(`api:${key}`) },
      { cookie: `sallyport=${key}; __Host-sallyport=${key}` },
      { 'x-api-key': key },
    ]) {
      expect(await send(method, path, headers as Record<string, string>, body)).toMatchObject(refused)
    }
    const query = `${path}?api_key=${key}&access_token=${key}`
    expect(await send(method, query, {}, body)).toMatchObject(refused)
  })

  it.each(calls)('%s %s wants a key of its scope', async (method, path, body) => {
    const needed = method === 'GET' ? 'mfa:read' : 'mfa:write'
    const others = ['mfa:read', 'mfa:write', 'security:read', 'security:write'].filter(
      (scope) => scope !== needed,
    )
    const key = await gate.addKey('scopes', others)
    const answer = await send(method, path, { authorization: `Bearer ${key.key}` }, body)
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })

  it('ends with the revocation of a key, at once', async () => {
    const key = await gate.addKey()
    expect((await key.get('status/1')).status).toBe(200)
    await gate.store.transaction((tx) => tx.apiKeys.revoke(key.id, gate.clock.at))
    expect(await key.get('status/1')).toMatchObject({ status: 401, body: { code: 'invalid_api_key' } })
  })

  it("shows no application another's subjects, nor the login users", async () => {
    const phone = await enrol(pbx, 'shared name', epoch)
    const login = await gate.addSubject({ ref: 'shared name', email: 'login@example.org' })
    const loginPhone = await gate.addPhone(login)
    gate.clock.at += 10 * minute
    const erp = await gate.addKey('erp', ['mfa:read', 'mfa:write', 'admin'])
    for (const name of ['shared name', 'login@example.org']) {
      expect((await erp.get(`status/${name}`)).body.enabled).toBe(false)
      for (const code of [phone.code(gate.clock.at), phone.backupCodes[0], loginPhone.code()]) {
        expect((await erp.post('verify', { extension: name, code })).status).toBe(401)
        expect((await erp.post('disable', { extension: name, code })).status).toBe(401)
      }
      expect((await erp.post('disable', { extension: name, reason: 'mine now' })).status).toBe(404)
      expect((await erp.delete(`subjects/${name}`)).status).toBe(404)
      expect((await erp.get(`subjects/${name}/export`)).status).toBe(404)
    }
    expect((await pbx.get('status/login@example.org')).body.enabled).toBe(false)
    // None of those guesses cost the subject anything, and none of the codes is used up.
    const right = await pbx.post('verify', { extension: 'shared name', code: phone.code(gate.clock.at) })
    expect(right.status).toBe(200)
    expect(await gate.guesses(login)).toBeNull()
  })

  it('is one set of subjects for two keys of one application', async () => {
    const phone = await enrol(pbx, 'two keys', gate.clock.at)
    gate.clock.at += minute
    const second = await gate.addKey('pbx')
    const body = { subject: 'TWO KEYS', code: phone.code(gate.clock.at) }
    expect((await second.post('verify', body)).status).toBe(200)
    expect((await pbx.post('verify', body)).status).toBe(401)
  })

  it('takes no name in two ways, no unknown field, and nothing of another type', async () => {
    const phone = await enrol(pbx, 'typed', gate.clock.at)
    gate.clock.at += minute
    const code = phone.code(gate.clock.at)
    const good = { extension: 'typed', code }
    const strange: unknown[] = [
      {},
      [],
      [code],
      { $ne: null },
      1,
      Number(code),
      true,
      null,
      [[]],
      { toString: code },
    ]
    const bodies: unknown[] = [
      ...strange.map((value) => ({ ...good, code: value })),
      ...strange.map((value) => ({ ...good, extension: value })),
      ...strange.map((value) => ({ ...good, method: value })),
      ...strange.map((value) => ({ ...good, client_ip: value })),
      ...[{ ...good, subject: 'typed' }, { code }, { extension: 'typed' }, { ...good, extra: 1 }],
      ...[
        { ...good, method: 'password' },
        { ...good, extension: '' },
        { ...good, extension: 'x'.repeat(255) },
      ],
      ...[
        { ...good, extension: 'a\u0000b' },
        { ...good, extension: '\u200btyped' },
        { ...good, extension: '\ud800' },
      ],
      ...[[], [good], 'null', '"text"', '{', '7', `{"extension":"typed","code":"${code}"`],
    ]
    for (const body of bodies) {
      const answer = await pbx.post('verify', body)
      expect([JSON.stringify(body), answer.status, answer.body.code]).toEqual([
        JSON.stringify(body),
        400,
        'invalid_input',
      ])
    }
    const prototype = `{"extension":"typed","code":"${code}","__proto__":{"method":"totp"}}`
    expect((await pbx.post('verify', prototype)).status).toBe(400)
    // None of it was counted.
    const subject = await gate.store.read((tx) => tx.subjects.findByAlias('pbx', 'typed'))
    expect(await gate.guesses(subject!)).toBeNull()
    expect((await pbx.post('verify', good)).status).toBe(200)
  })

  it.each(calls)('%s %s survives whatever a body or a path may hold', async (method, path, body) => {
    for (const value of [{}, [], 1, null, '', 'x'.repeat(10_000), '\u0000', '\ud800', "' OR 1=1 --"]) {
      const sent = body && Object.fromEntries(Object.keys(body).map((key) => [key, value]))
      const to = path.replace('/1', `/${encodeURIComponent(String(value).toWellFormed())}`)
      const answer = await callsWith(gate.url, pbx.key)[
        method === 'GET' ? 'get' : method === 'POST' ? 'post' : 'delete'
      ](to, sent)
      expect([to.slice(0, 80), answer.status]).toEqual([
        to.slice(0, 80),
        expect.toSatisfy((status) => status < 500),
      ])
    }
  })

  it('refuses a body of a megabyte, and reads one of just under 64 KiB', async () => {
    const huge = await pbx.post('verify', { extension: 'typed', code: '1'.repeat(1_000_000) })
    expect(huge).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
    const body = { extension: 'megabyte', code: '1'.repeat(largest - 100) }
    expect((await pbx.post('verify', body)).status).toBe(401)
  })

  it('records each call with a key, and when the key was last used, to the minute', async () => {
    const key = await gate.addKey('recorded')
    const stored = async () => {
      const page = await gate.store.read((tx) => tx.apiKeys.list({ limit: 500 }))
      return page.items.find(({ id }) => id === key.id)?.lastUsedAt
    }
    const began = gate.clock.at
    await key.get('status/7')
    await key.post('verify', { extension: 7 })
    gate.clock.at += minute - 1
    await key.get('methods/7')
    expect(await stored()).toBe(began)
    gate.clock.at += 2
    await key.get('methods/7')
    expect(await stored()).toBe(began + minute + 1)
    const entries = await gate.store.read((tx) => tx.ledger.latest(null, 4, { type: 'apikey.called' }))
    const routes = entries.map(({ body }) => JSON.parse(body).data).reverse()
    expect(routes).toEqual(
      [
        'GET /api/mfa/status/:extension',
        'POST /api/mfa/verify',
        ...Array(2).fill('GET /api/mfa/methods/:extension'),
      ].map((route) => ({ key: key.id, route })),
    )
  })

  it('answers no call that it cannot record', async () => {
    const phone = await enrol(pbx, 'unrecorded', gate.clock.at)
    gate.clock.at += minute
    const full = new SallyportError('store_unavailable', 'the disk is full')
    const failing = vi.spyOn(gate.store, 'transaction').mockRejectedValue(full)
    const code = phone.code(gate.clock.at)
    expect(await pbx.post('verify', { extension: 'unrecorded', code })).toMatchObject({ status: 503 })
    expect(await pbx.get('status/unrecorded')).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable' },
    })
    failing.mockRestore()
    expect((await pbx.post('verify', { extension: 'unrecorded', code })).status).toBe(200)
  })
})
