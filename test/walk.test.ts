import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makePhone } from './support/people.ts'
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

describe.each(worlds)('signing in over HTTP, $world', ({ count, postgres }) => {
  let walk: Walk

  beforeAll(async () => {
    walk = await openWalk({ count, postgres })
  })
  afterAll(() => walk?.close())
  beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(`seed of the nodes: ${walk.seed}`)))

  it('lets in by the password alone whoever has no factor, and tells strangers nothing', async () => {
    const user = await walk.addUser('ada')
    const entered = await walk.login(user)
    expect(entered.body).toEqual(grantOf(user))
    expect(entered.headers.get('cache-control')).toBe('no-store')
    const cookies = entered.headers.getSetCookie()
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual([
      '__Host-sallyport',
      '__Host-sallyport-refresh',
    ])
    for (const cookie of cookies) {
      expect(cookie.split('; ').slice(1).sort()).toEqual(
        expect.arrayContaining(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']),
      )
      expect(cookie).not.toContain('Domain')
    }

    const wrong = await walk.login(user, 'not the password')
    expectProblem(wrong, 401, 'invalid_credentials')
    const unknown = await walk.post('/auth/login', { email: 'nobody@example.org', password })
    expect(unknown.body).toEqual(wrong.body)

    const { access_token: token } = entered.body
    const me = await walk.get('/auth/me', token)
    expect(me.body).toEqual({
      user_id: user.id,
      email: user.email,
      role: 'user',
      company_id: null,
      session_id: expect.any(String),
      auth_time: time,
      amr: ['password'],
    })
    const [session] = cookies[0]!.split(';')
    const byCookie = await walk.call('GET', '/auth/me', { headers: { cookie: session! } })
    expect(byCookie.body).toEqual(me.body)
    const [from] = walk.nodes()
    const steal = { cookie: session!, origin: 'https://elsewhere.example.org', 'sec-fetch-site': 'same-site' }
    expectProblem(await walk.call('POST', '/auth/logout', { headers: steal }), 403, 'csrf_refused')
    const own = { cookie: session!, 'sec-fetch-site': 'same-origin' }
    const out = await walk.call('POST', '/auth/logout', { headers: own, url: from!.url })
    expect(out.body).toEqual({ success: true, message: expect.any(String) })
    for (const cookie of out.headers.getSetCookie()) expect(cookie).toMatch(/=;.*Max-Age=0/)
    await expect.poll(async () => (await walk.get('/auth/me', token)).status, { timeout: 2_000 }).toBe(401)
  })

  it('refuses what is no such request, with a problem of the closed list', async () => {
    const login = { email: 'ada@example.org', password }
    const odd = await walk.post('/auth/login', { ...login, remember: true })
    expectProblem(odd, 400, 'invalid_input', { errors: [{ path: 'remember', message: 'unknown field' }] })
    expectProblem(await walk.post('/auth/login', { ...login, password: 7 }), 400, 'invalid_input', {
      errors: [{ path: 'password', message: expect.any(String) }],
    })
    expectProblem(await walk.post('/auth/login', '{"email":'), 400, 'invalid_input')
    expectProblem(
      await walk.post('/auth/login', { ...login, email: '\0@example.org' }),
      401,
      'invalid_credentials',
    )
    const large = await walk.post('/auth/login', { ...login, password: 'x'.repeat(65_536) })
    expectProblem(large, 413, 'payload_too_large')
    expectProblem(await walk.get('/auth/me'), 401, 'invalid_token')
    expectProblem(await walk.get('/auth/nothing'), 404, 'not_found')
    for (const [path, body] of [
      ['/healthz', { status: 'alive', version: expect.any(String) }],
      ['/readyz', { status: 'ready', checks: { store: 'ok', vault: 'ok', ledger: 'ok' } }],
    ] as const)
      expect(await walk.get(path)).toMatchObject({ status: 200, body })
    expect((await walk.get('/metrics')).body).toContain('sallyport_build_info')
    const { body: described } = await walk.get('/openapi.json')
    expect(described.openapi).toMatch(/^3\.1\./)
    expect(described.paths).toHaveProperty(['/auth/mfa/verify', 'post'])
  })

  it('enrols an authenticator, and asks for it from then on; each code works once', async () => {
    const user = await walk.addUser('grace')
    const token = await walk.enter(user)
    const begun = await walk.post('/auth/mfa/enroll/totp', {}, token)
    expect(begun.body).toEqual({
      enrolment_id: expect.any(String),
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      provisioning_uri: expect.stringMatching(/^otpauth:\/\/totp\//),
      qr_code: expect.stringMatching(/^data:image\/png;base64,/),
      backup_codes: Array.from({ length: 10 }, () =>
        expect.stringMatching(/^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/),
      ),
    })
    expect(readQr(begun.body.qr_code)).toBe(begun.body.provisioning_uri)
    const phone = makePhone(begun.body.secret)
    const [first, second] = begun.body.backup_codes as string[]
    expect((await walk.login(user)).body).toEqual(grantOf(user))

    const refused = await walk.post('/auth/mfa/enroll/verify', { code: phone.wrong() }, token)
    expectProblem(refused, 401, 'invalid_code')
    const code = await phone.code()
    const confirmed = await walk.post('/auth/mfa/enroll/verify', { code }, token)
    const enrolledAt = confirmed.body.enrolled_at
    expect(confirmed.body).toEqual({
      success: true,
      message: expect.any(String),
      method: 'totp',
      enrolled_at: time,
    })
    const id = begun.body.enrolment_id
    const held = { enrolled_at: time, last_used_at: null }
    expect((await walk.get('/auth/mfa/status', token)).body).toEqual({
      enabled: true,
      method: 'totp',
      enrolled_at: enrolledAt,
      last_verified_at: null,
      factors: expect.toSatisfy((factors: object[]) => {
        expect(factors).toHaveLength(2)
        expect(factors).toContainEqual({ id, type: 'totp', name: 'Authenticator', ...held })
        expect(factors).toContainEqual({
          id: expect.any(String),
          type: 'backup',
          name: 'Backup codes',
          ...held,
        })
        return true
      }),
      backup_codes_remaining: 10,
      required: false,
      grace_until: null,
    })

    const pending = await walk.login(user)
    expect(pending.body).toEqual(pendingOf(user, ['totp', 'email', 'backup']))
    const temp = pending.body.temp_token
    // The code that confirmed the enrolment is used up, whatever it is used for.
    expectProblem(await walk.verify(temp, code), 401, 'invalid_code', { attempts_left: 4 })
    expectProblem(await walk.verify(temp, phone.wrong(), 'totp'), 401, 'invalid_code', { attempts_left: 3 })
    const right = await phone.code()
    const done = await walk.verify(temp, right, 'totp')
    expect(done.body).toEqual(grantOf(user))
    expect(done.headers.getSetCookie()).toHaveLength(2)
    expectProblem(await walk.verify(temp, right), 401, 'invalid_token')
    const again = await walk.begin(user)
    expectProblem(await walk.verify(again, right), 401, 'invalid_code', { attempts_left: 2 })

    const spelt = first!.replace('-', '').toLowerCase()
    expect((await walk.verify(again, spelt, 'backup')).body).toEqual(grantOf(user))
    const last = await walk.begin(user)
    expectProblem(await walk.verify(last, first!), 401, 'invalid_code', { attempts_left: 1 })
    const byShape = await walk.verify(last, second!)
    expect(byShape.body).toEqual(grantOf(user))
    const { body: me } = await walk.get('/auth/me', byShape.body.access_token)
    expect(me.amr).toEqual(['password', 'backup'])
    const { body: status } = await walk.get('/auth/mfa/status', token)
    expect(status).toMatchObject({ backup_codes_remaining: 8, last_verified_at: time })
  })

  it('opens nothing with the token of a half-finished sign-in, and ends it with a sign-out', async () => {
    const user = await walk.addUser('alan')
    const token = await walk.enter(user)
    const { phone } = await walk.enrol(token)
    const temp = await walk.begin(user)
    const routes = [
      ...['/auth/me', '/auth/sessions', '/auth/mfa/status'].map((path) => ['GET', path]),
      ...['/auth/step-up', '/auth/logout', '/auth/mfa/enroll/totp', '/auth/mfa/enroll/email'].map((path) => [
        'POST',
        path,
      ]),
    ] as [string, string][]
    const basic = Buffer.from(`${user.email}:${temp}`).toString('base64')
    for (const [method, path] of routes) {
      for (const headers of [
        { authorization: `Bearer ${temp}` },
        { authorization: `Basic ${basic}` },
        { cookie: `__Host-sallyport=${temp}`, 'sec-fetch-site': 'same-origin' },
      ] as Record<string, string>[])
        expectProblem(await walk.call(method, path, { headers }), 401, 'invalid_token')
      expectProblem(await walk.call(method, `${path}?access_token=${temp}`), 401, 'invalid_token')
    }
    expectProblem(
      await walk.post('/auth/refresh', { refresh_token: temp.slice(0, 256) }),
      401,
      'invalid_token',
    )
    expectProblem(await walk.post('/auth/introspect', { token: temp }, temp), 401, 'invalid_api_key')
    // Nor is a full token good for a step of an attempt.
    expectProblem(await walk.verify(token, await phone.code()), 401, 'invalid_token')
    await walk.post('/auth/logout', {}, token)
    expectProblem(await walk.verify(temp, await phone.code()), 401, 'invalid_token')
  })

  it('mails codes, three an hour, each of which voids the one before', async () => {
    const user = await walk.addUser('edsger')
    const { phone } = await walk.enrol(await walk.enter(user))
    const temp = await walk.begin(user)
    const first = await walk.mailedCode(user, { temp_token: temp })
    const second = await walk.mailedCode(user, { temp_token: temp })
    if (first !== second)
      expectProblem(await walk.verify(temp, first, 'email'), 401, 'invalid_code', { attempts_left: 4 })
    const entered = await walk.verify(temp, second, 'email')
    expect(entered.body).toEqual(grantOf(user))
    const { access_token: token } = entered.body
    const next = await walk.begin(user)
    expectProblem(await walk.verify(next, second, 'email'), 401, 'invalid_code', {
      attempts_left: expect.any(Number),
    })
    const third = await walk.mailedCode(user, { token })
    const fourth = await walk.post('/auth/mfa/email/send', { temp_token: next })
    expectProblem(fourth, 429, 'too_many_attempts', { retry_at: time })
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(50 * 60)
    expectProblem(await walk.post('/auth/mfa/email/send', {}), 401, 'invalid_token')
    // A mailed code is the account's, wherever it was asked for.
    expect((await walk.verify(next, third)).body).toEqual(grantOf(user))
    expectProblem(await walk.verify(next, await phone.code()), 401, 'invalid_token')
  })

  it('changes factors only on fresh proof', async () => {
    const user = await walk.addUser('barbara')
    const token = await walk.enter(user)
    expectProblem(await walk.post('/auth/step-up', {}, token), 409, 'nothing_enrolled')
    const { phone, backupCodes } = await walk.enrol(token)
    const { factors } = (await walk.get('/auth/mfa/status', token)).body
    const { id } = factors.find(({ type }: { type: string }) => type === 'totp')
    const rename = (body: object) => walk.call('PATCH', `/auth/mfa/factors/${id}`, { token, body })
    const remove = (factor = id) => walk.call('DELETE', `/auth/mfa/factors/${factor}`, { token })
    const unproven = [
      rename({ name: 'Work phone' }),
      remove(),
      walk.post('/auth/mfa/enroll/totp', {}, token),
      walk.post('/auth/mfa/enroll/email', {}, token),
      walk.post('/auth/password/change', { current_password: password, new_password: 'x' }, token),
    ]
    for (const answer of await Promise.all(unproven)) expectProblem(answer, 403, 'step_up_required')

    const stepUp = await walk.post('/auth/step-up', {}, token)
    expect(stepUp.body).toEqual(pendingOf(user, ['totp', 'email', 'backup'], { remember_days: undefined }))
    const proved = await walk.verify(stepUp.body.temp_token, await phone.code())
    const { refresh_token: _, ...unchanged } = grantOf(user)
    expect(proved.body).toEqual(unchanged)
    expect((await rename({ name: 'Work phone' })).body).toEqual({
      id,
      type: 'totp',
      name: 'Work phone',
      enrolled_at: time,
      last_used_at: time,
    })
    const tablet = await walk.post('/auth/mfa/enroll/totp', { name: 'Tablet' }, token)
    expect(tablet.body.backup_codes).toEqual([])
    const second = makePhone(tablet.body.secret)
    const confirmed = await walk.post('/auth/mfa/enroll/verify', { code: await second.code() }, token)
    expect(confirmed).toMatchObject({ status: 200, body: { success: true, method: 'totp' } })
    expectProblem(await remove('nothing'), 404, 'not_found')
    expect((await remove()).body).toEqual({ success: true, message: expect.any(String) })
    const temp = await walk.begin(user)
    expectProblem(await walk.verify(temp, await phone.code()), 401, 'invalid_code', { attempts_left: 4 })

    const regenerate = (code: string) => walk.post('/auth/mfa/backup-codes/regenerate', { code }, token)
    expectProblem(await regenerate(second.wrong()), 401, 'invalid_code', { attempts_left: 3 })
    const renewed = await regenerate(await second.code())
    expect(renewed.body).toEqual({ backup_codes: expect.any(Array) })
    expect(new Set([...renewed.body.backup_codes, ...backupCodes]).size).toBe(20)
    expectProblem(await walk.verify(temp, backupCodes[0]!), 401, 'invalid_code', { attempts_left: 2 })
    expect((await walk.verify(temp, renewed.body.backup_codes[0])).status).toBe(200)

    const disable = (code: string) => walk.post('/auth/mfa/disable', { code, method: 'backup' }, token)
    expectProblem(await disable('AAAA-AAAA'), 401, 'invalid_code', { attempts_left: 1 })
    expect((await disable(renewed.body.backup_codes[1])).body).toEqual({
      success: true,
      message: expect.any(String),
    })
    expect((await walk.login(user)).body).toEqual(grantOf(user))
    expect((await walk.get('/auth/mfa/status', token)).body).toMatchObject({ enabled: false, factors: [] })
  })

  it('has a ledger in which nothing was altered', async () => {
    expect(await walk.installation.run(['ledger', 'verify'])).toMatch(/clean/)
  })
})

function readQr(dataUrl: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qr-'))
  try {
    const file = join(folder, 'code.png')
    writeFileSync(file, Buffer.from(dataUrl.split(',')[1]!, 'base64'))
    const words = ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', file]
    return execFileSync('zbarimg', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trimEnd()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
