import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  expectProblem,
  grantOf,
  openWalk,
  password,
  pendingOf,
  time,
  type User,
  type Walk,
  worlds,
} from './support/walk.ts'

const week = 7 * 24 * 3_600_000

const policies = {
  policies: [
    {
      name: 'two steps',
      when: { roles: ['TWO_STEPS'] },
      action: 'chain',
      too_few: 'enrol',
      chain: {
        mode: 'fixed',
        required_steps: 2,
        factors: [
          { id: 'app', label: 'Authenticator', type: 'totp' },
          { id: 'other', label: 'Mail or paper', any_of: ['email', 'backup'] },
        ],
      },
    },
    {
      name: 'everybody else',
      action: 'chain',
      too_few: 'enrol',
      chain: {
        mode: 'fixed',
        required_steps: 1,
        factors: [{ id: 'any', label: 'Second factor', any_of: ['totp', 'email', 'backup'] }],
      },
    },
  ],
}

describe.each(worlds)('a second factor that is required, $world', ({ count, postgres }) => {
  let walk: Walk
  let late: User

  beforeAll(async () => {
    const security = { mfa: { required: true, grace: '7d' } }
    walk = await openWalk({ count, postgres, config: { security, roles: ['TWO_STEPS'] } })
    late = await walk.addUser('joan')
  })
  afterAll(() => walk?.close())
  beforeEach(({ onTestFailed }) => onTestFailed(() => console.error(`seed of the nodes: ${walk.seed}`)))

  it('lets in without one in the days of grace, and says until when', async () => {
    const { body } = await walk.login(late)
    expect(body).toEqual(grantOf(late, { grace_until: time }))
    expect(Math.abs(Date.parse(body.grace_until) - Date.now() - week)).toBeLessThan(60_000)
    // Counted from the first day, not from the last sign-in.
    expect((await walk.login(late)).body.grace_until).toBe(body.grace_until)
    expect((await walk.get('/auth/mfa/status', body.access_token)).body).toEqual({
      enabled: false,
      method: null,
      enrolled_at: null,
      last_verified_at: null,
      factors: [],
      backup_codes_remaining: 0,
      required: true,
      grace_until: body.grace_until,
    })
  })

  it('keeps the last factor of whoever must have one', async () => {
    const user = await walk.addUser('annie')
    const { phone } = await walk.enrol(await walk.enter(user))
    const entered = await walk.verify(await walk.begin(user), await phone.code())
    expect(entered.body).toEqual(grantOf(user))
    const { access_token: token } = entered.body
    const { factors, required, grace_until } = (await walk.get('/auth/mfa/status', token)).body
    expect([required, grace_until]).toEqual([true, null])
    const code = await phone.code()
    expectProblem(await walk.post('/auth/mfa/disable', { code }, token), 403, 'mfa_enforced')
    const idOf = (wanted: string) => factors.find(({ type }: { type: string }) => type === wanted).id
    const remove = (id: string) => walk.call('DELETE', `/auth/mfa/factors/${id}`, { token })
    expectProblem(await remove(idOf('totp')), 403, 'mfa_enforced')
    expect((await remove(idOf('backup'))).status).toBe(200)
    // The refusal of the code's purpose did not use it up.
    expect((await walk.verify(await walk.begin(user), code)).body).toEqual(grantOf(user))
  })

  it('is enrolled first, once the grace is over, with a token that opens nothing else', async () => {
    await walk.restart({
      security: { mfa: { required: true, grace: '0s' } },
      login_policies: walk.installation.write('policies.yaml', policies),
    })
    const entered = await walk.login(late)
    expect(entered.body).toEqual({
      mfa_required: false,
      enrollment_required: true,
      enrollment_token: expect.any(String),
      user_id: late.id,
    })
    expect(entered.headers.getSetCookie()).toEqual([])
    const { enrollment_token: token } = entered.body
    const change = { current_password: password, new_password: 'Zm4!kq9(xBtw of 1843' }
    const closed: [string, string, object?][] = [
      ['GET', '/auth/me'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/any'],
      ['PATCH', '/auth/mfa/factors/any', { name: 'x' }],
      ['DELETE', '/auth/mfa/factors/any'],
      ['POST', '/auth/mfa/disable', { code: '000000' }],
      ['POST', '/auth/mfa/backup-codes/regenerate', { code: '000000' }],
      ['POST', '/auth/mfa/email/send', {}],
      ['POST', '/auth/password/change', change],
    ]
    for (const [method, path, body] of closed)
      expectProblem(await walk.call(method, path, { token, body }), 403, 'forbidden')
    expectProblem(await walk.verify(token, '000000'), 401, 'invalid_token')
    expectProblem(await walk.post('/auth/introspect', { token }, token), 401, 'invalid_api_key')
    expect((await walk.get('/auth/mfa/status', token)).body).toMatchObject({
      required: true,
      grace_until: null,
    })

    const { phone, confirmed } = await walk.enrol(token)
    const added = { success: true, message: expect.any(String), method: 'totp', enrolled_at: time }
    expect(confirmed.body).toEqual({ ...grantOf(late), ...added })
    expect(confirmed.headers.getSetCookie()).toHaveLength(2)
    expect((await walk.get('/auth/me', confirmed.body.access_token)).body.amr).toEqual(['password', 'totp'])
    await expect
      .poll(async () => (await walk.get('/auth/mfa/status', token)).status, { timeout: 1_500 })
      .toBe(401)
    expect((await walk.verify(await walk.begin(late), await phone.code())).body).toEqual(grantOf(late))
  })

  it('walks a chain of two steps in order, and begins again after a wrong code', async () => {
    const user = await walk.addUser('lynn', 'TWO_STEPS')
    const { body: must } = await walk.login(user)
    const { phone, backupCodes, confirmed } = await walk.enrol(must.enrollment_token)
    const chain = { step: 1, of: 2, label: 'Authenticator', expected: ['totp'] }
    // A written rule lets no browser be remembered unless it says so.
    const unremembered = { remember_days: undefined }
    const second = { step: 2, of: 2, label: 'Mail or paper', expected: ['email', 'backup'] }
    const added = { success: true, message: expect.any(String), method: 'totp', enrolled_at: time }
    expect(confirmed.body).toEqual({ ...pendingOf(user, ['totp'], { chain, ...unremembered }), ...added })
    expect(confirmed.headers.getSetCookie()).toEqual([])
    const temp = confirmed.body.temp_token
    // The second step's code does not do for the first.
    expectProblem(await walk.verify(temp, backupCodes[0]!), 401, 'chain_reset', { attempts_left: 4, chain })
    expect((await walk.verify(temp, await phone.code())).body).toEqual({ mfa_required: true, chain: second })
    expectProblem(await walk.get('/auth/me', temp), 401, 'invalid_token')
    const wrong = await walk.verify(temp, phone.wrong(), 'email')
    expectProblem(wrong, 401, 'chain_reset', { attempts_left: 3, chain })
    const early = await walk.mailedCode(user, { temp_token: temp })
    expectProblem(await walk.verify(temp, early, 'email'), 401, 'chain_reset', { attempts_left: 2, chain })
    expect((await walk.verify(temp, await phone.code())).body).toEqual({ mfa_required: true, chain: second })
    const entered = await walk.verify(temp, early)
    expect(entered.body).toEqual(grantOf(user))
    const { body: me } = await walk.get('/auth/me', entered.body.access_token)
    expect(me.amr).toEqual(['password', 'totp', 'email'])
    expectProblem(await walk.verify(temp, early), 401, 'invalid_token')
  })

  it('is asked of nobody where it is switched off', async () => {
    await walk.restart({ security: { mfa: { enabled: false } } })
    expect((await walk.login(late)).body).toEqual(grantOf(late))
  })

  it('has a ledger in which nothing was altered', async () => {
    expect(await walk.installation.run(['ledger', 'verify'])).toMatch(/clean/)
  })
})
