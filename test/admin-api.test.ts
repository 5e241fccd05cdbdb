import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { databases, type Place } from './support/databases.ts'
import { password } from './support/login.ts'

let gate: AdminGate
let admin: Awaited<ReturnType<AdminGate['signInAdmin']>>

beforeAll(async () => {
  gate = await openAdminGate()
  admin = await gate.signInAdmin()
})
afterAll(() => gate.close())

const get = (path: string, token = admin.token) => gate.call('GET', `/api/admin${path}`, { token })
const send = (method: string, path: string, body: unknown = {}, token = admin.token) =>
  gate.call(method, `/api/admin${path}`, { token, body })

describe('who may call', () => {
  const reads = ['/users', '/users/x', '/users/x/factors', '/users/x/sessions', '/applications', '/apikeys']
  const more = [
    '/companies',
    '/roles',
    '/policies',
    '/ledger',
    '/ledger/export',
    '/sessions',
    '/settings',
    '/overview',
  ]
  const changes: [string, string, object][] = [
    ['POST', '/users', { email: 'a@example.org' }],
    ['PATCH', '/users/x', { role: 'admin' }],
    ['DELETE', '/users/x', {}],
    ['DELETE', '/users/x/factors/y', {}],
    ['POST', '/users/x/unlock', {}],
    ['POST', '/users/x/reset-factors', { reason: 'lost' }],
    ['POST', '/users/x/enrolment-link', {}],
    ['POST', '/users/x/pass', { reason: 'lost' }],
    ['DELETE', '/users/x/sessions', {}],
    ['POST', '/applications', { name: 'a' }],
    ['PATCH', '/applications/a', {}],
    ['POST', '/apikeys', { name: 'a', scopes: ['mfa:read'] }],
    ['DELETE', '/apikeys/x', {}],
    ['POST', '/companies', { name: 'a' }],
    ['DELETE', '/companies/a', {}],
  ]

  it('is nobody without the role, without a session, or with an API key', async () => {
    const user = await gate.signIn()
    const key = await send('POST', '/apikeys', { name: 'all', scopes: ['admin'] })
    expect(key.status).toBe(200)
    for (const path of [...reads, ...more]) {
      expect([path, (await get(path, user.token)).body.code]).toEqual([path, 'forbidden'])
      expect([path, (await get(path, key.body.key)).status]).toEqual([path, 401])
      expect([path, (await gate.call('GET', `/api/admin${path}`)).status]).toEqual([path, 401])
    }
    for (const [method, path, body] of changes) {
      expect([path, (await send(method, path, body, user.token)).body.code]).toEqual([path, 'forbidden'])
      expect([path, (await send(method, path, body, key.body.key)).status]).toEqual([path, 401])
    }
  })

  it('changes nothing without fresh proof, whatever the change', async () => {
    const stale = await gate.signInAdmin()
    gate.clock.at += 6 * 60_000
    for (const [method, path, body] of changes) {
      expect([path, (await send(method, path, body, stale.token)).body.code]).toEqual([
        path,
        'step_up_required',
      ])
    }
    expect((await get('/users', stale.token)).status).toBe(200)
    admin = await gate.signInAdmin()
  })

  it('is nobody whose session may only enrol a factor', async () => {
    const subject = await gate.addUser({ role: 'admin' })
    const issued = await send('POST', `/users/${subject.id}/enrolment-link`)
    const body = { token: issued.body.token, password }
    const opened = await gate.call('POST', '/auth/enrolment-link/accept', { body })
    expect(opened.body).toMatchObject({ enrollment_required: true })
    const refused = await get('/users', opened.body.enrollment_token)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    expect((await send('DELETE', `/users/${subject.id}`)).status).toBe(200)
  })

  it('is not whoever holds a half-finished sign-in of an administrator (P4)', async () => {
    const subject = await gate.addUser({ role: 'admin' })
    await gate.addPhone(subject)
    const begun = await gate.login(subject)
    expect((await get('/users', begun.body.temp_token)).status).toBe(401)
    await send('DELETE', `/users/${subject.id}`)
  })
})

describe('what is asked', () => {
  it('is refused with 400 when it is no such request, and never answered with a 5xx', async () => {
    const { subject } = await gate.signIn()
    const refused: [string, string, unknown][] = [
      ['POST', '/users', { email: 'm@example.org', id: 'mine' }],
      ['POST', '/users', { email: 'm@example.org', disabledAt: 1 }],
      ['POST', '/users', { email: ['m@example.org'] }],
      ['POST', '/users', { email: 'two@example.org,three@example.org' }],
      ['POST', '/users', { email: 'a\r\nBcc: b@example.org' }],
      ['POST', '/users', { email: 'm@example.org', role: 'admni' }],
      ['POST', '/users', { email: 'm@example.org', role: { $ne: 'user' } }],
      ['POST', '/users', { email: 'm@example.org', role: 'constructor' }],
      ['POST', '/users', { email: 'm@example.org', company: 'x'.repeat(101) }],
      ['PATCH', `/users/${subject.id}`, { requiredSince: 1 }],
      ['PATCH', `/users/${subject.id}`, { password: 'correct horse battery' }],
      ['PATCH', `/users/${subject.id}`, { disabled: 'true' }],
      ['PATCH', `/users/${subject.id}`, { email: 'nobody' }],
      ['PATCH', `/users/${subject.id}`, '{"role":"user","__proto__":{"role":"admin"}}'],
      ['POST', `/users/${subject.id}/reset-factors`, {}],
      ['POST', `/users/${subject.id}/reset-factors`, { reason: '   ' }],
      ['POST', `/users/${subject.id}/pass`, { reason: 'x'.repeat(201) }],
      ['POST', '/apikeys', { name: 'k', scopes: ['everything'] }],
      ['POST', '/apikeys', { name: 'k', scopes: [] }],
      ['POST', '/apikeys', { name: 'k', app: 'login', scopes: ['mfa:read'] }],
      ['POST', '/apikeys', { name: 'k', app: '../x', scopes: ['mfa:read'] }],
      ['POST', '/applications', { name: 'login' }],
      ['POST', '/applications', { name: 'shop', origins: ['https://a.example/path'] }],
      ['POST', '/applications', { name: 'shop', origins: ['javascript:alert(1)'] }],
      ['POST', '/applications', { name: 'shop', rp_id: 'https://a.example' }],
      ['POST', '/companies', { name: 'two\nlines' }],
      ['POST', '/policies/check', { draft: [] }],
      ['POST', '/policies/check', { draft: { policies: [] } }],
      ['POST', '/policies/explain', { subject: 'x', ip: 'somewhere' }],
      ['POST', '/policies/explain', { subject: 'x', risk: 101 }],
      ['POST', '/policies/replay', { draft: {}, days: 1e9 }],
    ]
    for (const [method, path, body] of refused) {
      const answer = await send(method, path, body)
      expect([method, path, body, answer.status]).toEqual([method, path, body, 400])
    }
    expect((await gate.store.read((tx) => tx.subjects.find(subject.id)))?.role).toBe('user')
  })

  it('is a page of a bounded size, at a cursor that was given out', async () => {
    const cursor = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url')
    const garbage = ['garbage', '%00', cursor([]), cursor([{}]), cursor(['a']), cursor(['a', 'b', 'c']), '-1']
    for (const list of ['/users', '/applications', '/apikeys', '/companies', '/sessions', '/ledger']) {
      for (const query of ['limit=501', 'limit=0', 'limit=-1', 'limit=1.5', 'limit=x', 'unknown=1']) {
        expect([list, query, (await get(`${list}?${query}`)).status]).toEqual([list, query, 400])
      }
      for (const after of garbage) {
        const isOne = list === '/applications' || list === '/companies'
        const status = isOne && after === cursor(['a']) ? 200 : 400
        expect([list, after, (await get(`${list}?after=${after}`)).status]).toEqual([list, after, status])
      }
    }
    expect((await get(`/users?search=${'x'.repeat(255)}`)).status).toBe(400)
    expect((await get('/ledger?since=yesterday')).status).toBe(400)
  })

  it('concerns users of the login gate only', async () => {
    const made = await send('POST', '/apikeys', { name: 'pbx', app: 'pbx', scopes: ['mfa:write'] })
    const body = { extension: '100' }
    await gate.call('POST', '/api/mfa/enroll', { token: made.body.key, body })
    const foreign = await gate.store.read((tx) => tx.subjects.findByAlias('pbx', '100'))
    expect(foreign).not.toBeNull()
    for (const id of [foreign!.id, 'nobody', '%F0%9F%97%9D']) {
      const calls = [
        get(`/users/${id}/factors`),
        get(`/users/${id}/sessions`),
        send('PATCH', `/users/${id}`, { disabled: true }),
        send('DELETE', `/users/${id}/sessions`),
        send('POST', `/users/${id}/unlock`),
        send('POST', `/users/${id}/pass`, { reason: 'lost' }),
        send('POST', `/users/${id}/reset-factors`, { reason: 'lost' }),
        send('POST', `/users/${id}/enrolment-link`),
        send('DELETE', `/users/${id}/factors/x`),
      ]
      for (const answer of await Promise.all(calls)) expect([id, answer.status]).toEqual([id, 404])
      expect((await get(`/users/${id}`)).status).toBe(404)
      expect((await send('DELETE', `/users/${id}`)).status).toBe(404)
    }
    expect(await gate.store.read((tx) => tx.subjects.find(foreign!.id))).not.toBeNull()
    expect((await get('/users?limit=500')).body.items.map((user: { id: string }) => user.id)).not.toContain(
      foreign!.id,
    )
  })
})

describe('users', () => {
  it('are found by name, role and status, page by page, each once', async () => {
    const people = []
    for (let index = 0; index < 5; index++) {
      people.push(await gate.addUser({ email: `paged${index}@example.org`, company: 'Paged Ltd' }))
    }
    await gate.addPhone(people[1]!)
    await gate.addPhone(people[4]!)
    const walk = async (query: string) => {
      const emails: string[] = []
      let after = ''
      do {
        const { body } = await get(`/users?search=PAGED&${query}${after && `&after=${after}`}`)
        emails.push(...body.items.map((user: { email: string }) => user.email))
        after = body.next ?? ''
      } while (after)
      return emails
    }
    expect(await walk('limit=2')).toEqual(people.map(({ email }) => email))
    expect(await walk('limit=1&status=enrolled')).toEqual([people[1]!.email, people[4]!.email])
    expect(await walk('limit=2&status=optional')).toHaveLength(3)
    expect(await walk('limit=2&role=admin')).toEqual([])
    expect(await walk('status=locked')).toEqual([])
    const one = await get(`/users/${people[1]!.id}`)
    expect(one.body).toMatchObject({
      ...{ id: people[1]!.id, status: 'enrolled', methods: ['totp'], locked: false, company: 'Paged Ltd' },
      ...{ aliases: ['paged1@example.org'], sessions: 0, wrong_guesses: 0, backup_codes_remaining: 0 },
    })
    expect((await get('/companies')).body.items.map(({ name }: { name: string }) => name)).toContain(
      'Paged Ltd',
    )
  })

  it('are shown as locked until they are unlocked', async () => {
    const subject = await gate.addUser({ email: 'locked@example.org' })
    await gate.addPhone(subject)
    const begun = await gate.login(subject)
    for (let guess = 0; guess < 5; guess++) {
      const body = { temp_token: begun.body.temp_token, code: '000000' }
      await gate.call('POST', '/auth/mfa/verify', { body })
    }
    const locked = (await get('/users?status=locked')).body.items
    expect(locked).toEqual([expect.objectContaining({ id: subject.id, locked: true })])
    expect((await send('POST', `/users/${subject.id}/unlock`)).status).toBe(200)
    expect((await get('/users?status=locked')).body.items).toEqual([])
    const [entry] = await gate.ledgerOf({ type: 'subject.unlocked', subject: subject.id })
    expect(entry?.actor).toBe(`subject:${admin.subject.id}`)
  })

  it('whose role, company, address or access changes are signed out on every node within a second', async () => {
    const other = await gate.addNode()
    const changes = [
      { role: 'admin' },
      { company: 'Other Ltd' },
      { disabled: true },
      { email: 'new@example.org' },
    ]
    for (const change of changes) {
      const { subject, token } = await gate.signIn()
      expect((await other.call('GET', '/auth/me', { token })).status).toBe(200)
      expect((await gate.call('GET', '/auth/me', { token })).status).toBe(200)
      expect((await send('PATCH', `/users/${subject.id}`, change)).status).toBe(200)
      expect((await gate.call('GET', '/auth/me', { token })).status).toBe(401)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect([change, (await other.call('GET', '/auth/me', { token })).status]).toEqual([change, 401])
      const [entry] = await gate.ledgerOf({ type: 'subject.changed', subject: subject.id })
      expect(entry).toMatchObject({
        actor: `subject:${admin.subject.id}`,
        data: { fields: Object.keys(change) },
      })
      expect(JSON.stringify(entry)).not.toContain('new@example.org')
    }
  })

  it('who are erased are signed out on every node within a second, and leave no address behind', async () => {
    const other = await gate.addNode()
    const { subject, token } = await gate.signIn({ email: 'erased@example.org' })
    expect((await other.call('GET', '/auth/me', { token })).status).toBe(200)
    expect((await send('DELETE', `/users/${subject.id}`)).status).toBe(200)
    expect((await gate.call('GET', '/auth/me', { token })).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await other.call('GET', '/auth/me', { token })).status).toBe(401)
    expect((await get(`/users/${subject.id}`)).status).toBe(404)
    expect((await send('DELETE', `/users/${subject.id}`)).status).toBe(404)
    expect((await gate.login(subject)).body.code).toBe('invalid_credentials')
    const [entry] = await gate.ledgerOf({ type: 'subject.erased', subject: subject.id })
    expect(entry?.actor).toBe(`subject:${admin.subject.id}`)
    // The name is free again.
    expect((await gate.addUser({ email: 'erased@example.org' })).id).not.toBe(subject.id)
  })

  it('get another address, and the old one opens nothing any more', async () => {
    const subject = await gate.addUser({ email: 'old@example.org' })
    await gate.addUser({ email: 'taken@example.org' })
    await gate.call('POST', '/auth/password/reset/request', { body: { email: 'old@example.org' } })
    const mailed = (await gate.letters()).find(({ to }) => to === 'old@example.org')
    const taken = await send('PATCH', `/users/${subject.id}`, { email: 'TAKEN@example.org' })
    expect([taken.status, taken.body.code]).toEqual([409, 'already_exists'])
    expect((await gate.login(subject)).status).toBe(200)
    expect((await send('PATCH', `/users/${subject.id}`, { email: 'Fresh@example.org' })).status).toBe(200)
    expect((await gate.login(subject)).body.code).toBe('invalid_credentials')
    expect((await gate.login({ ...subject, email: 'fresh@example.org' })).status).toBe(200)
    const token = mailed!.facts.link!.split('#token=')[1]!
    const reset = { token, new_password: 'Zm4!kq9(xBtw' }
    expect((await gate.call('POST', '/auth/password/reset/confirm', { body: reset })).status).toBe(401)
    expect((await send('PATCH', `/users/${subject.id}`, { email: 'FRESH@example.org' })).status).toBe(200)
    expect((await gate.login({ ...subject, email: 'fresh@example.org' })).status).toBe(200)
  })

  it('who are disabled sign in no more, until they are let in again', async () => {
    const { subject } = await gate.signIn()
    await send('PATCH', `/users/${subject.id}`, { disabled: true })
    expect((await gate.login(subject)).body.code).toBe('invalid_credentials')
    expect(
      (await get('/users?status=disabled&limit=500')).body.items.map(({ id }: { id: string }) => id),
    ).toContain(subject.id)
    await send('PATCH', `/users/${subject.id}`, { disabled: false })
    expect((await gate.login(subject)).status).toBe(200)
  })

  it('have sessions that an administrator sees and ends', async () => {
    const { subject, token } = await gate.signIn()
    const seen = await get(`/users/${subject.id}/sessions`)
    expect(seen.body.items).toEqual([expect.objectContaining({ user_id: subject.id, address: '127.0.0.1' })])
    const all = await get('/sessions?limit=500')
    expect(all.body.items).toContainEqual(seen.body.items[0])
    expect((await send('DELETE', `/users/${subject.id}/sessions`)).body).toMatchObject({ ended: 1 })
    expect((await gate.call('GET', '/auth/me', { token })).status).toBe(401)
    expect((await get(`/users/${subject.id}/sessions`)).body.items).toEqual([])
  })
})

describe('reading', () => {
  it('what concerns people is one ledger entry a call, naming who looked', async () => {
    const subject = await gate.addUser()
    const actor = `subject:${admin.subject.id}`
    const reads: [() => Promise<{ status: number }>, object][] = [
      [() => get('/users'), { data: { what: 'users' }, subject: null }],
      [() => get(`/users/${subject.id}`), { data: { what: 'user' }, subject: subject.id }],
      [() => get(`/users/${subject.id}/factors`), { data: { what: 'factors' }, subject: subject.id }],
      [() => get(`/users/${subject.id}/sessions`), { data: { what: 'sessions' }, subject: subject.id }],
      [() => get('/sessions'), { data: { what: 'sessions' }, subject: null }],
      [() => get(`/ledger?subject=${subject.id}`), { data: { what: 'ledger' }, subject: subject.id }],
      [() => get('/ledger/export'), { data: { what: 'ledger.export' }, subject: null }],
      [
        () => send('POST', '/policies/explain', { subject: subject.email }),
        { data: { what: 'policies.explain' }, subject: subject.id },
      ],
    ]
    for (const [read, expected] of reads) {
      const before = (await gate.ledgerOf({ type: 'admin.read' })).length
      expect((await read()).status).toBe(200)
      const after = (await gate.ledgerOf({ type: 'admin.read' })).slice(before)
      expect(after).toEqual([expect.objectContaining({ ...expected, actor })])
    }
  })
})

describe.each(databases)('the last administrator, on $database', ({ open }) => {
  let place: Place
  let alone: AdminGate
  beforeAll(async () => {
    place = await open()
    alone = await openAdminGate({ location: place.location })
  })
  afterAll(async () => {
    await alone.close()
    await place.remove()
  })

  it('stays one, though others are invited, disabled or try in parallel', async () => {
    const last = await alone.signInAdmin()
    const { token } = last
    const path = `/api/admin/users/${last.subject.id}`
    const invited = await alone.call('POST', '/api/admin/users', {
      token,
      body: { email: 'second@example.org', role: 'admin' },
    })
    expect(invited.body.user.status).toBe('invited')
    for (const [method, body] of [
      ['PATCH', { role: 'user' }],
      ['PATCH', { disabled: true }],
      ['DELETE', {}],
    ] as const) {
      const answer = await alone.call(method, path, { token, body })
      expect([method, answer.status, answer.body.code]).toEqual([method, 409, 'last_admin'])
    }
    expect((await alone.call('PATCH', path, { token, body: { company: 'Still' } })).status).toBe(200)
  })

  it('is one of two who demote each other at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, two] = [await alone.signInAdmin(), await alone.signInAdmin()]
      const everybody = await alone.store.read((tx) =>
        tx.subjects.list('login', { role: 'admin', limit: 100 }),
      )
      await alone.store.transaction(async (tx) => {
        for (const { id } of everybody.items)
          if (id !== one.subject.id && id !== two.subject.id) await tx.subjects.update(id, { role: 'user' })
      })
      const demote = (by: { token: string }, whom: { subject: { id: string } }) =>
        alone.call('PATCH', `/api/admin/users/${whom.subject.id}`, {
          token: by.token,
          body: { role: 'user' },
        })
      const answers = await Promise.all([demote(one, two), demote(two, one)])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(await alone.store.read((tx) => tx.subjects.count('login', { role: 'admin' }))).toBe(1)
    }
  })
})
