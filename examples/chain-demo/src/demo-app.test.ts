import { decodeSecret, defaultTotpSettings, parseProvisioningUri, totp } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { createTestClient, type Reply } from './client.fixture.ts'

function expectProblem(reply: Reply, status: number, code: string): void {
  expect(reply.type).toBe('application/problem+json')
  expect(reply.body).toMatchObject({ type: 'about:blank', status, code })
  expect(reply.body.title).toEqual(expect.any(String))
  expect(reply.body.detail).toEqual(expect.any(String))
  expect(reply.status).toBe(status)
}

const codeAt = (secret: string, at: number) =>
  totp({ ...defaultTotpSettings, secret: decodeSecret(secret), at })

/** An attempt of alice in fixed mode, at its first step. */
async function begun() {
  const client = createTestClient()
  const secrets = await client.enrollBoth()
  const { session_id: session } = (await client.start()).body
  return { client, secrets, session }
}

describe('enrolling', () => {
  it('answers secret, URI and QR code', async () => {
    const { status, type, headers, body } = await createTestClient().enroll('alice', 'ms_auth')
    expect(status).toBe(200)
    expect(type).toMatch(/^application\/json/)
    expect(headers.get('cache-control')).toBe('no-store')
    const fields = ['user', 'factor_id', 'label', 'secret', 'provisioning_uri', 'qr_png']
    expect(Object.keys(body)).toEqual(fields)
    expect(body).toMatchObject({ user: 'alice', factor_id: 'ms_auth', label: 'Microsoft Authenticator' })
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(parseProvisioningUri(body.provisioning_uri)).toMatchObject({
      secret: decodeSecret(body.secret),
      account: 'alice',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
    })
    expect(
      Buffer.from(body.qr_png.split('data:image/png;base64,')[1], 'base64').subarray(1, 4).toString(),
    ).toBe('PNG')
  })

  it('gives the two authenticators of one user different names', async () => {
    const client = createTestClient()
    const uris = ['google_auth', 'ms_auth'].map(
      async (id) => (await client.enroll('a', id)).body.provisioning_uri,
    )
    const [google, microsoft] = (await Promise.all(uris)).map(parseProvisioningUri)
    expect(google!.issuer).not.toBe(microsoft!.issuer)
  })

  it.each(['google', 'sms', '__proto__', 'GOOGLE_AUTH', 'google_auth%20'])(
    'knows no factor %s',
    async (factor) => {
      expectProblem(await createTestClient().enroll('alice', factor), 404, 'not_found')
    },
  )

  it('takes any name of up to 64 characters, and no longer one', async () => {
    const client = createTestClient()
    for (const user of ['a b', 'ünïcode', '../x', '__proto__', '🦊'.repeat(32), 'x'.repeat(64)]) {
      const { status, body } = await client.enroll(encodeURIComponent(user), 'google_auth')
      expect([status, body.user]).toEqual([200, user])
    }
    const long = 'x'.repeat(65)
    expectProblem(await client.enroll(long, 'google_auth'), 400, 'invalid_input')
    expectProblem(await client.start(long), 400, 'invalid_input')
  })

  it('enrolling again replaces the secret and ends open attempts of that user alone', async () => {
    const { client, secrets, session } = await begun()
    await client.enrollBoth('bob')
    const { session_id: bobs } = (await client.start('bob')).body
    const { secret } = (await client.enroll('alice', 'google_auth')).body
    expect(secret).not.toBe(secrets.google_auth)
    expectProblem(await client.verify(session, 'google_auth', '123456'), 404, 'not_found')
    expect((await client.pass(bobs)).status).toBe(200)
    const { session_id: anew } = (await client.start()).body
    const old = codeAt(secrets.google_auth!, client.now)
    expectProblem(await client.verify(anew, 'google_auth', old), 401, 'chain_reset')
  })

  it('enrolling one factor anew leaves the codes of the other one spent', async () => {
    const { client, secrets, session } = await begun()
    await client.pass(session)
    await client.enroll('alice', 'ms_auth')
    const { session_id: next } = (await client.start()).body
    const spent = codeAt(secrets.google_auth!, client.now)
    expectProblem(await client.verify(next, 'google_auth', spent), 401, 'chain_reset')
  })
})

describe('starting', () => {
  it('draws the chain', async () => {
    const client = createTestClient()
    await client.enrollBoth()
    const { status, body } = await client.start()
    expect(status).toBe(200)
    expect(body).toEqual({
      session_id: expect.stringMatching(/^[\w-]{22}$/),
      mode: 'fixed',
      required_steps: 2,
      chain: [
        { id: 'google_auth', label: 'Google Authenticator', type: 'totp' },
        { id: 'ms_auth', label: 'Microsoft Authenticator', type: 'totp' },
      ],
      expected_factor_id: 'google_auth',
    })
  })

  it('draws both orders in random mode', async () => {
    const client = createTestClient({ mode: 'random' })
    await client.enrollBoth()
    const firsts = new Set<string>()
    for (let i = 0; i < 64; i++) {
      const { mode, chain, expected_factor_id } = (await client.start()).body
      expect([mode, chain.length]).toEqual(['random', 2])
      expect(chain[0].id).toBe(expected_factor_id)
      firsts.add(expected_factor_id)
    }
    expect([...firsts].sort()).toEqual(['google_auth', 'ms_auth'])
  })

  it('names every missing factor and the call that enrols it', async () => {
    const client = createTestClient()
    const nothing = await client.start('bob%2Fx')
    expectProblem(nothing, 409, 'not_enrolled')
    expect(nothing.body.missing_factors).toEqual([
      {
        id: 'google_auth',
        label: 'Google Authenticator',
        enroll: 'POST /users/bob%2Fx/factors/google_auth/enroll',
      },
      {
        id: 'ms_auth',
        label: 'Microsoft Authenticator',
        enroll: 'POST /users/bob%2Fx/factors/ms_auth/enroll',
      },
    ])
    await client.enroll('alice', 'google_auth')
    expect((await client.start()).body.missing_factors).toMatchObject([{ id: 'ms_auth' }])
  })
})

describe('verifying', () => {
  it('passes both steps in order, once', async () => {
    const { client, session } = await begun()
    const first = await client.pass(session)
    expect([first.status, first.body]).toEqual([
      200,
      { authenticated: false, next_factor_id: 'ms_auth', next_factor_label: 'Microsoft Authenticator' },
    ])
    const last = await client.pass(session)
    expect([last.status, last.body]).toEqual([200, { authenticated: true }])
    for (const factor of ['ms_auth', 'google_auth', 'other']) {
      expectProblem(await client.verify(session, factor, last.code), 409, 'chain_complete')
    }
    expectProblem(await client.code(session), 409, 'chain_complete')
  })

  it.each([
    '000000',
    '12345',
    '',
    '1234567',
    ' 12345',
    '１２３４５６',
    '123 456',
    'RESET',
    '9'.repeat(30_000),
  ])('takes %j for a wrong code, and resets', async (wrong) => {
    const { client, secrets, session } = await begun()
    expect((await client.pass(session)).status).toBe(200)
    const around = [-1, 0, 1].map((steps) => codeAt(secrets.ms_auth!, client.now + steps * 30_000))
    const reply = await client.verify(session, 'ms_auth', around.includes(wrong) ? '000001' : wrong)
    expectProblem(reply, 401, 'chain_reset')
    expect(reply.body.expected_factor_id).toBe('google_auth')
    expect(reply.body.chain.map(({ id }: { id: string }) => id)).toEqual(['google_auth', 'ms_auth'])
    expectProblem(await client.verify(session, 'ms_auth', around[1]!), 409, 'chain_breached')
  })

  it('refuses another factor than the expected one, and stays where it stood', async () => {
    const { client, secrets, session } = await begun()
    const microsoft = codeAt(secrets.ms_auth!, client.now)
    for (const factor of ['ms_auth', '', 'nobody', '__proto__', 'x'.repeat(10_000)]) {
      const reply = await client.verify(session, factor, microsoft)
      expectProblem(reply, 409, 'chain_breached')
      expect(reply.body.expected_factor_id).toBe('google_auth')
    }
    await client.pass(session)
    expectProblem(await client.verify(session, 'google_auth', '000000'), 409, 'chain_breached')
    expect((await client.verify(session, 'ms_auth', microsoft)).body).toEqual({ authenticated: true })
  })

  it('draws anew after a reset in random mode', async () => {
    const client = createTestClient({ mode: 'random' })
    await client.enrollBoth()
    let { session_id: session, expected_factor_id: expected } = (await client.start()).body
    const firsts = new Set<string>()
    for (let i = 0; i < 64; i++) {
      const { status, body } = await client.verify(session, expected, '12345')
      expect([status, body.chain[0].id]).toEqual([401, body.expected_factor_id])
      expected = body.expected_factor_id
      firsts.add(expected)
    }
    expect(firsts.size).toBe(2)
  })

  it('takes a code once: not after a reset, not in another attempt, not beside it', async () => {
    const { client, session } = await begun()
    const { session_id: other } = (await client.start()).body
    const { code } = await client.pass(session)
    expectProblem(await client.verify(session, 'ms_auth', '12345'), 401, 'chain_reset')
    expectProblem(await client.verify(session, 'google_auth', code), 401, 'chain_reset')
    expectProblem(await client.verify(other, 'google_auth', code), 401, 'chain_reset')
    expect((await client.pass(other)).status).toBe(200)
    client.turn(-3_600)
    expect((await client.code(session)).status).toBe(409)
  })

  it('lets one of many parallel guesses with the same code pass', async () => {
    const { client, secrets } = await begun()
    const starts = await Promise.all(Array.from({ length: 32 }, () => client.start()))
    const code = codeAt(secrets.google_auth!, client.now)
    const replies = await Promise.all(
      starts.map(({ body }) => client.verify(body.session_id, 'google_auth', code)),
    )
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(31)
  })

  it.each([
    [undefined, -1, 200],
    [undefined, 1, 200],
    [undefined, 2, 401],
    [1, -1, 200],
    [0, 0, 200],
    [0, -1, 401],
    [0, 1, 401],
    [5, 2, 401],
    [5, -2, 401],
    [1e300, -2, 401],
    [-7, 0, 200],
    [-7, 1, 401],
    [0.9, 1, 401],
  ])('window %s, a code of %i steps from now: %i', async (window, steps, status) => {
    const { client, secrets, session } = await begun()
    const code = codeAt(secrets.google_auth!, client.now + steps * 30_000)
    expect((await client.verify(session, 'google_auth', code, window)).status).toBe(status)
  })

  it('forgets an attempt after five minutes', async () => {
    const { client, session } = await begun()
    client.turn(299)
    expect((await client.pass(session)).status).toBe(200)
    client.turn(1)
    expectProblem(await client.verify(session, 'ms_auth', '123456'), 404, 'not_found')
    expectProblem(await client.code(session), 404, 'not_found')
  })

  it.each(['no-such-session', '', '__proto__', 'x'.repeat(10_000)])(
    'knows no session %j',
    async (session) => {
      expectProblem(await createTestClient().verify(session, 'google_auth', '123456'), 404, 'not_found')
    },
  )
})

describe('what is no guess', () => {
  const whole = { factor_id: 'google_auth', user_input: '123456' }

  it.each([
    [{ user_input: undefined }, 'user_input'],
    [{ user_input: 123_456 }, 'user_input'],
    [{ user_input: null }, 'user_input'],
    [{ user_input: ['123456'] }, 'user_input'],
    [{ factor_id: undefined }, 'factor_id'],
    [{ factor_id: {} }, 'factor_id'],
    [{ session_id: undefined }, 'session_id'],
    [{ session_id: 7 }, 'session_id'],
    [{ window: '1' }, 'window'],
    [{ window: null }, 'window'],
    [{ window: true }, 'window'],
  ])('%j is 400 and names %s', async (change, path) => {
    const { client, session } = await begun()
    await client.pass(session)
    const reply = await client.post('/attempt/verify', { session_id: session, ...whole, ...change })
    expectProblem(reply, 400, 'invalid_input')
    expect(reply.body.errors).toEqual([{ path, message: expect.any(String) }])
    expect((await client.code(session)).body.factor_id).toBe('ms_auth')
  })

  it('names every fault at once', async () => {
    const { body } = await createTestClient().post('/attempt/verify', { window: 'wide' })
    const paths = body.errors.map(({ path }: { path: string }) => path)
    expect(paths).toEqual(['session_id', 'factor_id', 'user_input', 'window'])
  })

  it.each(['', 'user_input=1', '{', 'null', '[]', '"text"', '[['.repeat(30_000)])(
    'refuses a body that is no object of JSON (%#)',
    async (body) => {
      const client = createTestClient()
      expectProblem(await client.post('/attempt/verify', body), 400, 'invalid_input')
      expectProblem(await client.post('/mfa/verify', body, { 'x-session-id': 'x' }), 400, 'invalid_input')
    },
  )

  it('takes an infinite window for a number, and fields it does not know for nothing', async () => {
    const { client, secrets, session } = await begun()
    const code = codeAt(secrets.google_auth!, client.now)
    const fields = `"session_id":"${session}","factor_id":"google_auth","user_input":"${code}"`
    const reply = await client.post('/attempt/verify', `{${fields},"window":1e999,"other":[1]}`)
    expect(reply.status).toBe(200)
  })

  it('refuses a body over 64 KiB', async () => {
    const client = createTestClient()
    const user_input = '1'.repeat(64 * 1024)
    const declared = { 'content-length': '70000' }
    const reply = await client.post('/attempt/verify', { session_id: 'x', ...whole, user_input }, declared)
    expectProblem(reply, 413, 'payload_too_large')
  })

  it.each([
    ['GET', '/nothing'],
    ['GET', '/attempt/verify'],
    ['DELETE', '/users/alice'],
    ['GET', '/attempt/x/debug/current-code/'],
  ])('there is nothing at %s %s', async (method, path) => {
    expectProblem(await createTestClient().call(method, path), 404, 'not_found')
  })
})

describe('with the session in a header', () => {
  it('answers as the other call does', async () => {
    const { client, secrets, session } = await begun()
    const step = (factor_id: string, user_input: unknown, headers: object = { 'x-session-id': session }) =>
      client.post('/mfa/verify', { factor_id, user_input }, headers)
    expectProblem(await step('ms_auth', '123456'), 409, 'chain_breached')
    expectProblem(await step('google_auth', '12345'), 401, 'chain_reset')
    expectProblem(await step('google_auth', 12_345), 400, 'invalid_input')
    expectProblem(await step('google_auth', '123456', { 'x-session-id': 'unknown' }), 404, 'not_found')
    for (const headers of [{}, { 'x-session-id': '' }]) {
      const reply = await step('google_auth', '123456', headers)
      expectProblem(reply, 400, 'invalid_input')
      expect(reply.body.errors).toMatchObject([{ path: 'X-Session-Id' }])
    }
    const first = await step('google_auth', codeAt(secrets.google_auth!, client.now))
    expect(first.body).toMatchObject({ authenticated: false, next_factor_id: 'ms_auth' })
    const last = await step('ms_auth', codeAt(secrets.ms_auth!, client.now))
    expect(last.body).toEqual({ authenticated: true })
  })
})

describe('debug codes', () => {
  it('are the current code, then the next one, then a time to wait', async () => {
    const { client, secrets, session } = await begun()
    expect((await client.code(session)).body).toEqual({
      factor_id: 'google_auth',
      label: 'Google Authenticator',
      code: codeAt(secrets.google_auth!, client.now),
    })
    for (const steps of [0, 1]) {
      const { status, code } = await client.pass(session)
      expect([status, code]).toEqual([200, codeAt(secrets.google_auth!, client.now + steps * 30_000)])
      await client.verify(session, 'ms_auth', '12345')
    }
    const reply = await client.code(session)
    expectProblem(reply, 409, 'no_fresh_code')
    expect([reply.body.retry_after, reply.headers.get('retry-after')]).toEqual([15, '15'])
    client.turn(14)
    expect((await client.code(session)).body.retry_after).toBe(1)
    client.turn(1)
    expect((await client.pass(session)).status).toBe(200)
  })

  const remote = { remoteAddress: '192.0.2.7', localAddress: '192.0.2.1' }
  const path = '/attempt/x/debug/current-code'

  it.each([
    ['off', createTestClient({ debugCodes: false })],
    ['asked from elsewhere', createTestClient({ socket: remote })],
    ['reached past loopback', createTestClient({ socket: { ...remote, remoteAddress: '127.0.0.1' } })],
  ])('do not exist when %s', async (_, client) => {
    const reply = await client.call('GET', path)
    const nothing = await client.call('GET', path.replace('debug', 'no-such'))
    expect(JSON.stringify(reply.body)).toBe(JSON.stringify(nothing.body).replace('no-such', 'debug'))
    expect([reply.status, [...reply.headers]]).toEqual([404, [...nothing.headers]])
  })

  it.each(['::1', '::ffff:127.0.0.1', '127.8.9.10'])('exist for %s', async (address) => {
    const client = createTestClient({ socket: { remoteAddress: address, localAddress: address } })
    await client.enrollBoth()
    expect((await client.code((await client.start()).body.session_id)).status).toBe(200)
  })
})

describe('the page', () => {
  it('is served at both addresses, with its files, under a strict policy', async () => {
    const client = createTestClient({ mode: 'random', debugCodes: false })
    for (const path of ['/', '/ui']) {
      const { status, type, headers, body } = await client.call('GET', path)
      expect([status, type]).toEqual([200, 'text/html; charset=UTF-8'])
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/)
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe/)
      expect(body).toContain('data-mode="random" data-debug-codes="off"')
      for (const [, file] of body.matchAll(/(?:href|src)="(.*?)"/g)) {
        expect((await client.call('GET', file)).status).toBe(200)
      }
    }
  })
})
