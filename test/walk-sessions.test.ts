import { createPublicKey, verify as verifySignature } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  expectProblem,
  grantOf,
  openWalk,
  password,
  pendingOf,
  time,
  type Walk,
  worlds,
} from './support/walk.ts'

describe.each(worlds)('sessions, passwords and locks over HTTP, $world', ({ count, postgres }) => {
  let walk: Walk

  beforeAll(async () => {
    walk = await openWalk({ count, postgres })
  })
  afterAll(() => walk?.close())
  beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(`seed of the nodes: ${walk.seed}`)))

  const statusAt = async (url: string, token: string) =>
    (await walk.call('GET', '/auth/me', { token, url })).status

  /** Every node has the token in its memory. */
  async function showEverywhere(token: string): Promise<void> {
    for (const { url } of walk.nodes()) expect(await statusAt(url, token)).toBe(200)
  }

  /** No node lets the token in that is asked more than a second after the end was answered. */
  async function expectEnded(token: string): Promise<void> {
    const ended = performance.now()
    await Promise.all(
      walk.nodes().map(async ({ url }) => {
        for (;;) {
          const asked = performance.now()
          const status = await statusAt(url, token)
          if (status === 401) return
          expect(status).toBe(200)
          expect(asked - ended).toBeLessThan(1_000)
          await sleep(50)
        }
      }),
    )
  }

  it('rotates refresh tokens; one used twice ends the session on every node', async () => {
    const user = await walk.addUser('ken')
    const { body: first } = await walk.login(user)
    const refreshed = await walk.post('/auth/refresh', { refresh_token: first.refresh_token })
    expect(refreshed.body).toEqual(grantOf(user))
    const { access_token: token, refresh_token: next } = refreshed.body
    expect(next).not.toBe(first.refresh_token)
    expect(refreshed.headers.getSetCookie()).toHaveLength(2)

    const cookie = `__Host-sallyport-refresh=${next}`
    const byPage = (headers: Record<string, string>) =>
      walk.call('POST', '/auth/refresh', { headers: { cookie, ...headers } })
    for (const headers of [
      {},
      { origin: 'https://elsewhere.example.org' },
      { 'sec-fetch-site': 'same-site' },
    ])
      expectProblem(await byPage(headers as Record<string, string>), 403, 'csrf_refused')
    const byCookie = await byPage({ origin: 'https://login.example.org' })
    expect(byCookie.body).toEqual(grantOf(user))
    await showEverywhere(token)
    await showEverywhere(first.access_token)
    expectProblem(await walk.post('/auth/refresh', { refresh_token: next }), 401, 'invalid_token')
    await Promise.all([token, first.access_token, byCookie.body.access_token].map(expectEnded))
    const stolen = { refresh_token: byCookie.body.refresh_token }
    expectProblem(await walk.post('/auth/refresh', stolen), 401, 'invalid_token')
    expectProblem(await walk.post('/auth/refresh', {}), 401, 'invalid_token')
  })

  it('gives one of many who bring the same refresh token at once the next one', async () => {
    const { body } = await walk.login(await walk.addUser('dennis'))
    const answers = await Promise.all(
      Array.from({ length: 9 }, () => walk.post('/auth/refresh', { refresh_token: body.refresh_token })),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(8)
    await expectEnded(won[0]!.body.access_token)
  })

  it('lists sessions and ends one, or all, within a second on every node', async () => {
    const user = await walk.addUser('margaret')
    const tokens = [await walk.enter(user), await walk.enter(user), await walk.enter(user)]
    const [mine, other, third] = tokens as [string, string, string]
    await Promise.all(tokens.map(showEverywhere))
    const { body } = await walk.get('/auth/sessions', mine)
    const listed = {
      id: expect.any(String),
      created_at: time,
      expires_at: time,
      address: '127.0.0.1',
      user_agent: expect.any(String),
      browser: expect.any(String),
    }
    expect(body.sessions).toHaveLength(3)
    for (const session of body.sessions) expect(session).toEqual({ ...listed, current: expect.any(Boolean) })
    expect(body.sessions.filter(({ current }: { current: boolean }) => current)).toHaveLength(1)

    const { session_id: id } = (await walk.get('/auth/me', other)).body
    const stranger = await walk.enter(await walk.addUser('mallory'))
    const end = (as: string) => walk.call('DELETE', `/auth/sessions/${id}`, { token: as })
    expectProblem(await end(stranger), 404, 'not_found')
    expect((await end(mine)).body).toEqual({ success: true, message: expect.any(String) })
    await expectEnded(other)
    expectProblem(await end(mine), 404, 'not_found')
    await showEverywhere(third)
    const out = await walk.post('/auth/logout', { everywhere: true }, mine)
    expect(out.body).toEqual({ success: true, message: expect.any(String) })
    await Promise.all([mine, third].map(expectEnded))
    await showEverywhere(stranger)
  })

  it('changes a password, which ends every other session and every sign-in under way', async () => {
    const user = await walk.addUser('frances')
    const other = await walk.enter(user)
    const { phone } = await walk.enrol(other)
    const { body: entered } = await walk.verify(await walk.begin(user), await phone.code())
    const temp = await walk.begin(user)
    await showEverywhere(other)
    const change = (current_password: string, new_password: string) =>
      walk.post('/auth/password/change', { current_password, new_password }, entered.access_token)
    expectProblem(await change('not the password', fresh), 401, 'invalid_credentials')
    expectProblem(await change(password, 'qwertyuiop12'), 400, 'password_unfit', {
      errors: [{ path: 'password', message: expect.any(String) }],
    })
    expectProblem(await change(password, 'Zm4!kq9('), 400, 'password_unfit', { errors: expect.any(Array) })
    const changed = await change(password, fresh)
    expect(changed.body).toEqual({
      success: true,
      message: expect.any(String),
      refresh_token: expect.stringMatching(/^spr_/),
    })
    await expectEnded(other)
    expect((await walk.get('/auth/me', entered.access_token)).status).toBe(200)
    expectProblem(
      await walk.post('/auth/refresh', { refresh_token: entered.refresh_token }),
      401,
      'invalid_token',
    )
    expectProblem(await walk.verify(temp, await phone.code()), 401, 'invalid_token')
    expectProblem(await walk.login(user), 401, 'invalid_credentials')
    expect((await walk.login(user, fresh)).body).toEqual(pendingOf(user, ['totp', 'email', 'backup']))
  })

  it('sets a forgotten password by a mailed link, which lets nobody past the second factor', async () => {
    const user = await walk.addUser('hedy')
    const token = await walk.enter(user)
    const { phone } = await walk.enrol(token)
    const temp = await walk.begin(user)
    const ask = (email: string) => walk.post('/auth/password/reset/request', { email })
    const asked = await ask(user.email.toUpperCase())
    expect(asked.body).toEqual({ success: true, message: expect.any(String) })
    const unknown = await ask('nobody@example.org')
    expect([unknown.status, unknown.body]).toEqual([asked.status, asked.body])
    const link = new URL(await walk.mailedLink(user))
    expect(link.origin).toBe('https://login.example.org')
    const ticket = new URLSearchParams(link.hash.slice(1)).get('token')
    const confirm = (new_password: string) =>
      walk.post('/auth/password/reset/confirm', { token: ticket, new_password })
    expectProblem(await confirm('too short'), 400, 'password_unfit', { errors: expect.any(Array) })
    expect((await confirm(fresh)).body).toEqual({ success: true, message: expect.any(String) })
    await expectEnded(token)
    expectProblem(await confirm(`${fresh}!`), 401, 'invalid_token')
    expectProblem(await walk.verify(temp, await phone.code()), 401, 'invalid_token')

    // Who read the mail may have been a stranger: for an hour mail is no second factor.
    const pending = await walk.login(user, fresh)
    expect(pending.body).toEqual(pendingOf(user, ['totp', 'backup']))
    const sent = await walk.post('/auth/mfa/email/send', { temp_token: pending.body.temp_token })
    expect(sent.status).toBe(200)
    const entered = await walk.verify(pending.body.temp_token, await phone.code())
    expect(entered.body).toEqual(grantOf(user))
    expect(walk.mail.raw.join()).not.toMatch(/^ {4}\d{6}\r$/m)
  })

  it('tells applications whether a token is in force, and lets them check it by the key set', async () => {
    const user = await walk.addUser('adele', 'admin')
    const { phone } = await walk.enrol(await walk.enter(user))
    const entered = await walk.verify(await walk.begin(user), await phone.code())
    const { access_token: token } = entered.body
    const { header, claims } = await readToken(token)
    const now = Math.floor(Date.now() / 1_000)
    expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    expect(claims).toEqual({
      iss: 'https://login.example.org',
      aud: 'https://login.example.org',
      sub: user.id,
      sid: expect.any(String),
      role: 'admin',
      company: null,
      amr: ['password', 'totp'],
      acr: 'aal2',
      auth_time: expect.toSatisfy((at: number) => Math.abs(now - at) < 30),
      iat: expect.any(Number),
      exp: claims.iat + 900,
    })

    const words = ['apikey', 'create', '--name', 'erp', '--scope', 'mfa:read', '--json']
    const { key } = JSON.parse(await walk.installation.run(words))
    const introspect = (asked: string) => walk.post('/auth/introspect', { token: asked }, key)
    const { iss: _, aud: __, company: ___, ...known } = claims
    expect((await introspect(token)).body).toEqual({ active: true, ...known })
    for (const dead of ['x', key, await walk.begin(user), `${token.slice(0, -4)}AAAA`])
      expect((await introspect(dead)).body).toEqual({ active: false })
    expectProblem(await walk.post('/auth/introspect', { token }, token), 401, 'invalid_api_key')
    expectProblem(await walk.get('/auth/me', key), 401, 'invalid_token')
    await walk.post('/auth/logout', {}, token)
    await expect
      .poll(async () => (await introspect(token)).body, { timeout: 1_500 })
      .toEqual({ active: false })
  })

  async function readToken(token: string) {
    const [header, claims, signature] = token.split('.') as [string, string, string]
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    const { body } = await walk.get('/.well-known/jwks.json')
    const jwk = body.keys.find(({ kid }: { kid: string }) => kid === read(header).kid)
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const signed = Buffer.from(`${header}.${claims}`)
    const right = verifySignature(
      'sha256',
      signed,
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    expect(right).toBe(true)
    return { header: read(header), claims: read(claims) }
  }

  it('locks after five wrong codes, whatever the attempt, method and node, until an operator unlocks', async () => {
    const user = await walk.addUser('radia')
    const token = await walk.enter(user)
    const { phone, backupCodes } = await walk.enrol(token)
    const wrong = phone.wrong()
    const first = await walk.begin(user)
    expectProblem(await walk.verify(first, wrong), 401, 'invalid_code', { attempts_left: 4 })
    expectProblem(await walk.verify(first, '１２３４５６', 'totp'), 401, 'invalid_code', { attempts_left: 3 })
    const second = await walk.begin(user)
    expectProblem(await walk.verify(second, 'AAAA-AAAA', 'backup'), 401, 'invalid_code', { attempts_left: 2 })
    const disable = (code: string) => walk.post('/auth/mfa/disable', { code }, token)
    expectProblem(await disable(wrong), 401, 'invalid_code', { attempts_left: 1 })
    // Another JSON type than text is no guess.
    const odd = await walk.post('/auth/mfa/verify', { temp_token: first, code: 123456 })
    expectProblem(odd, 400, 'invalid_input', { errors: expect.any(Array) })
    const fifth = await walk.post('/auth/mfa/backup-codes/regenerate', { code: wrong }, token)
    expectProblem(fifth, 401, 'invalid_code', { attempts_left: 0, retry_at: time })
    expect(Number(fifth.headers.get('retry-after'))).toBeGreaterThan(30)
    const third = await walk.begin(user)
    for (const answer of [
      await walk.verify(second, await phone.code()),
      await walk.verify(third, backupCodes[0]!),
      await disable(wrong),
    ])
      expectProblem(answer, 429, 'locked', { retry_at: time })

    await walk.installation.run(['user', 'unlock', user.email])
    expect((await walk.verify(third, await phone.code())).body).toEqual(grantOf(user))
  })

  it('judges five of many wrong codes that come at once', async () => {
    const user = await walk.addUser('shafi')
    const { phone } = await walk.enrol(await walk.enter(user))
    const temps = [await walk.begin(user), await walk.begin(user), await walk.begin(user)]
    const wrong = phone.wrong()
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => walk.verify(temps[index % 3]!, wrong)),
    )
    const tally = Object.groupBy(answers, ({ body }) => body.code)
    // One that was under way when the fifth ended the attempt hears that the attempt is over.
    const left = tally.invalid_code!.map(({ body }) => body.attempts_left)
    expect(new Set(left).size).toBe(left.length)
    expect([0, 1, 2, 3, 4]).toEqual(expect.arrayContaining(left))
    expect(left).toContain(0)
    expect(left.length + (tally.locked?.length ?? 0) + (tally.invalid_token?.length ?? 0)).toBe(24)
    const rightNow = await walk.verify(await walk.begin(user), await phone.code())
    expectProblem(rightNow, 429, 'locked', { retry_at: time })
  })

  it('has a ledger in which nothing was altered', async () => {
    expect(await walk.installation.run(['ledger', 'verify'])).toMatch(/clean/)
  })
})

const fresh = 'Zm4!kq9(xBtw of 1843'
