import { lockSubject } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { password } from './support/login.ts'

const hour = 3_600_000
const chosen = 'Zm4!kq9(xBtw'

let gate: AdminGate
let admin: Awaited<ReturnType<AdminGate['signInAdmin']>>

beforeAll(async () => {
  gate = await openAdminGate()
})
beforeEach(async () => {
  admin = await gate.signInAdmin()
})
afterAll(() => gate.close())

const send = (method: string, path: string, body: unknown = {}, token = admin.token) =>
  gate.call(method, `/api/admin${path}`, { token, body })
const post = (path: string, body: unknown, token?: string) =>
  gate.call('POST', path, { body, ...(token !== undefined && { token }) })
const accept = (token: string, more: object = {}) =>
  post('/auth/invitation/accept', { token, password: chosen, ...more })
const tally = (answers: readonly { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length
const tokenOf = (link: string) => link.split('#token=')[1]!

describe('an invitation', () => {
  const invite = (more: object = {}) =>
    send('POST', '/users', { email: `guest.${crypto.randomUUID()}@example.org`, ...more })

  it('is answered as a link, which sets the first password once and verifies the address', async () => {
    const invited = await invite({ role: 'user', company: 'Guests', extension: '4711' })
    expect(invited.body).toMatchObject({ purpose: 'invitation', mailed: false, user: { status: 'invited' } })
    const { token, link, user } = invited.body
    expect(link).toBe(`${gate.services.invitations && 'http://127.0.0.1:8080'}/invitation#token=${token}`)
    expect((await gate.login(user)).body.code).toBe('invalid_credentials')
    expect((await accept(token, { password: 'short' })).body.code).toBe('password_unfit')
    expect((await accept(token, { email: 'other@example.org' })).status).toBe(400)
    expect((await accept(token)).status).toBe(200)
    expect((await accept(token, { password: 'another Xy7!kq9(xB' })).body.code).toBe('invalid_token')
    expect((await gate.login(user, chosen)).status).toBe(200)
    expect((await gate.login({ ...user, email: '4711' }, chosen)).status).toBe(200)
    const stored = await gate.store.read((tx) => tx.subjects.find(user.id))
    expect(stored).toMatchObject({ emailVerifiedAt: gate.clock.at, company: 'Guests' })
    const created = await gate.ledgerOf({ type: 'subject.created', subject: user.id })
    expect(created[0]?.actor).toBe(`subject:${admin.subject.id}`)
    const types = (await gate.ledgerOf({ subject: user.id })).map(({ type }) => type)
    expect(types).toContain('invitation.accepted')
    expect(JSON.stringify(await gate.ledgerOf({ subject: user.id }))).not.toContain(token)
  })

  it('is accepted by one of many at the same moment', async () => {
    const { body } = await invite()
    const answers = await Promise.all(Array.from({ length: 16 }, () => accept(body.token)))
    expect(tally(answers, 200)).toBe(1)
    expect(tally(answers, 401) + tally(answers, 429)).toBe(15)
  })

  it('is mailed, and then shown to nobody else', async () => {
    const { body } = await invite({ mail: true })
    expect(body).toMatchObject({ mailed: true, link: null, token: null })
    const letter = (await gate.letters()).find(({ to }) => to === body.user.email)
    expect(letter?.kind).toBe('invitation')
    expect((await accept(tokenOf(letter!.facts.link!))).status).toBe(200)
  })

  it('runs out, is void after a new one, and opens nothing for who was shut out', async () => {
    const late = await invite()
    gate.clock.at += 7 * 24 * hour
    expect((await accept(late.body.token)).status).toBe(401)
    admin = await gate.signInAdmin()
    const path = `/users/${late.body.user.id}`
    const second = await send('POST', `${path}/enrolment-link`)
    const third = await send('POST', `${path}/enrolment-link`)
    expect(third.body.purpose).toBe('invitation')
    expect((await accept(second.body.token)).status).toBe(401)
    await send('PATCH', path, { disabled: true })
    expect((await accept(third.body.token)).status).toBe(401)
    await send('PATCH', path, { disabled: false })
    expect((await accept(third.body.token)).status).toBe(200)
  })

  it('is refused for a name that is taken, in any spelling, and leaves nothing behind', async () => {
    const { body } = await invite({ email: 'Taken.Name@example.org' })
    const again = await invite({ email: 'ｔaken.name@example.org' })
    expect([again.status, again.body.code]).toEqual([409, 'already_exists'])
    const by = await invite({ extension: 'TAKEN.NAME@EXAMPLE.ORG' })
    expect(by.status).toBe(409)
    const found = await gate.call('GET', '/api/admin/users?search=taken.name', { token: admin.token })
    expect(found.body.items.map(({ id }: { id: string }) => id)).toEqual([body.user.id])
  })
})

describe('the first administrator', () => {
  let fresh: AdminGate
  beforeEach(async () => {
    fresh = await openAdminGate()
  })
  const claim = (token: string, index = 0) =>
    fresh.call('POST', '/auth/invitation/accept', {
      body: { token, password: chosen, email: `first${index}@example.org` },
    })
  const count = () => fresh.store.read((tx) => tx.subjects.count('login', { role: 'admin' }))

  it('is made once by the link, however many use it at the same moment', async () => {
    const { token } = (await fresh.services.invitations.firstAdminLink())!
    const noAddress = { body: { token, password: chosen } }
    expect((await fresh.call('POST', '/auth/invitation/accept', noAddress)).status).toBe(400)
    const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => claim(token, index)))
    expect(tally(answers, 200)).toBe(1)
    expect(answers.every(({ status }) => [200, 401, 429].includes(status))).toBe(true)
    expect(await count()).toBe(1)
    const winner = answers.findIndex(({ status }) => status === 200)
    const login = { email: `first${winner}@example.org`, password: chosen }
    const signedIn = await fresh.call('POST', '/auth/login', { body: login })
    expect(signedIn.body).toMatchObject({ role: 'admin' })
    const users = await fresh.call('GET', '/api/admin/users', { token: signedIn.body.access_token })
    expect(users.body.items).toHaveLength(1)
    expect(await fresh.services.invitations.firstAdminLink()).toBeNull()
    expect(await fresh.ledgerOf({ type: 'admin.first_created' })).toHaveLength(1)
    await fresh.close()
  })

  it('is refused when there is one meanwhile, by an older link, by a late one, and by any other ticket', async () => {
    const older = (await fresh.services.invitations.firstAdminLink())!
    const newer = (await fresh.services.invitations.firstAdminLink())!
    expect((await claim(older.token)).status).toBe(401)
    fresh.clock.at += 24 * hour
    expect((await claim(newer.token)).status).toBe(401)
    const { token } = (await fresh.services.invitations.firstAdminLink())!
    await fresh.addUser({ role: 'admin', email: 'meanwhile@example.org' })
    expect((await claim(token)).status).toBe(401)
    expect(await count()).toBe(1)
    await fresh.close()
  })
})

describe('a reset of factors', () => {
  it('removes them, ends sessions and sign-ins under way, and answers a link that needs the password', async () => {
    const subject = await gate.addUser()
    const phone = await gate.addPhone(subject)
    const begun = await gate.login(subject)
    const half = await gate.login(subject)
    const body = { temp_token: begun.body.temp_token, code: phone.code() }
    const { access_token: session } = (await post('/auth/mfa/verify', body)).body
    const reset = await send('POST', `/users/${subject.id}/reset-factors`, { reason: 'lost phone' })
    expect(reset.body).toMatchObject({
      purpose: 'enrolment_link',
      removed: 1,
      sessions_ended: 1,
      mailed: false,
    })
    expect((await gate.call('GET', '/auth/me', { token: session })).status).toBe(401)
    gate.clock.at += 30_000
    const late = { temp_token: half.body.temp_token, code: phone.code() }
    expect((await post('/auth/mfa/verify', late)).status).toBe(401)
    const entries = await gate.ledgerOf({ type: 'factors.reset', subject: subject.id })
    const actor = `subject:${admin.subject.id}`
    expect(entries).toEqual([expect.objectContaining({ actor, data: { reason: 'lost phone', removed: 1 } })])
    const factors = await gate.call('GET', `/api/admin/users/${subject.id}/factors`, { token: admin.token })
    expect(factors.body.items).toEqual([expect.objectContaining({ id: phone.id, status: 'revoked' })])
    expect(
      (await gate.letters()).some(({ to, kind }) => to === subject.email && kind === 'factor_removed'),
    ).toBe(true)

    const { token } = reset.body
    const open = (secret: string) => post('/auth/enrolment-link/accept', { token, password: secret })
    expect((await open('not the password')).body.code).toBe('invalid_credentials')
    const opened = await Promise.all(Array.from({ length: 8 }, () => open(password)))
    expect(tally(opened, 200)).toBe(1)
    const enrolling = opened.find(({ status }) => status === 200)!.body.enrollment_token
    expect((await gate.call('GET', '/auth/me', { token: enrolling })).status).toBe(403)
    const enrolled = await post('/auth/mfa/enroll/totp', {}, enrolling)
    expect(enrolled.status).toBe(200)
    expect((await open(password)).status).toBe(401)
  })

  it('is mailed to an address that is verified, and to no other', async () => {
    const subject = await gate.addUser()
    const mailed = await send('POST', `/users/${subject.id}/reset-factors`, { reason: 'lost', mail: true })
    expect(mailed.body).toMatchObject({ mailed: true, link: null, token: null })
    const letter = (await gate.letters()).find(
      ({ to, kind }) => to === subject.email && kind === 'enrolment_link',
    )
    expect(letter?.facts.link).toContain('/enrol#token=spt_')
    const unverified = await gate.addUser({ emailVerified: false })
    const phone = await gate.addPhone(unverified)
    const refused = await send('POST', `/users/${unverified.id}/reset-factors`, {
      reason: 'lost',
      mail: true,
    })
    expect(refused.status).toBe(400)
    const kept = await gate.store.read((tx) => tx.enrolments.find(phone.id))
    expect(kept?.status).toBe('active')
  })

  it('is not for oneself, and a link not for who has a factor', async () => {
    const own = `/users/${admin.subject.id}`
    const answers = await Promise.all([
      send('POST', `${own}/reset-factors`, { reason: 'mine' }),
      send('POST', `${own}/enrolment-link`),
      send('POST', `${own}/pass`, { reason: 'mine' }),
      send('DELETE', `${own}/factors/${admin.phone.id}`),
    ])
    expect(answers.map(({ body }) => body.code)).toEqual(Array.from({ length: 4 }, () => 'forbidden'))
    const subject = await gate.addUser()
    await gate.addPhone(subject)
    const refused = await send('POST', `/users/${subject.id}/enrolment-link`)
    expect([refused.status, refused.body.code]).toEqual([409, 'already_exists'])
  })

  it('of one factor leaves the others, and nobody else’s is reached through another user', async () => {
    const subject = await gate.addUser()
    const [one, two] = [await gate.addPhone(subject), await gate.addPhone(subject)]
    const other = await gate.addUser()
    expect((await send('DELETE', `/users/${other.id}/factors/${one.id}`)).status).toBe(404)
    expect((await send('DELETE', `/users/${subject.id}/factors/${one.id}`)).status).toBe(200)
    expect((await send('DELETE', `/users/${subject.id}/factors/${one.id}`)).status).toBe(404)
    const active = await gate.store.read((tx) =>
      tx.enrolments.listBySubject(subject.id, { status: 'active' }),
    )
    expect(active.map(({ id }) => id)).toContain(two.id)
    const password = active.find(({ factor }) => factor === 'password')!
    expect((await send('DELETE', `/users/${subject.id}/factors/${password.id}`)).status).toBe(404)
    const [entry] = await gate.ledgerOf({ type: 'enrolment.revoked', subject: subject.id })
    expect(entry?.actor).toBe(`subject:${admin.subject.id}`)
  })

  it('link runs out, and is void when a factor was enrolled meanwhile', async () => {
    const subject = await gate.addUser()
    const issued = await send('POST', `/users/${subject.id}/enrolment-link`)
    const phone = await gate.addPhone(subject)
    const open = (token: string) => post('/auth/enrolment-link/accept', { token, password })
    expect((await open(issued.body.token)).status).toBe(401)
    await gate.store.transaction((tx) => tx.enrolments.revoke(phone.id, gate.clock.at))
    gate.clock.at += 24 * hour
    expect((await open(issued.body.token)).status).toBe(401)
  })
})

describe('a helpdesk pass', () => {
  async function personWithPhone() {
    const subject = await gate.addUser()
    return { subject, phone: await gate.addPhone(subject) }
  }
  const issue = async (id: string) =>
    (await send('POST', `/users/${id}/pass`, { reason: 'phone at home' })).body.pass
  const begin = async (subject: Parameters<AdminGate['login']>[0]) =>
    (await gate.login(subject)).body.temp_token as string
  const use = (tempToken: string, pass: string) => post('/auth/mfa/pass', { temp_token: tempToken, pass })

  it('completes one sign-in once, however it is typed, on record with who issued it and why', async () => {
    const { subject } = await personWithPhone()
    const pass: string = await issue(subject.id)
    expect(pass).toMatch(/^([A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}$/)
    const tokens = await Promise.all(Array.from({ length: 8 }, () => begin(subject)))
    const spelling = ` ${pass.toLowerCase().replaceAll('-', ' ')} `
    const answers = await Promise.all(tokens.map((token) => use(token, spelling)))
    expect(tally(answers, 200)).toBe(1)
    expect(tally(answers, 401)).toBe(7)
    expect((await use(await begin(subject), pass)).body.code).toBe('invalid_code')
    const [issued] = await gate.ledgerOf({ type: 'ticket.issued', subject: subject.id })
    expect(issued).toMatchObject({
      actor: `subject:${admin.subject.id}`,
      data: { purpose: 'pass', reason: 'phone at home' },
    })
    const [completed] = await gate.ledgerOf({ type: 'attempt.completed', subject: subject.id })
    expect(completed?.data.pass_by).toBe(`subject:${admin.subject.id}`)
  })

  it('gives no fresh proof: it lets in, and neither adds nor removes a factor (P5)', async () => {
    const { subject, phone } = await personWithPhone()
    const { body } = await use(await begin(subject), await issue(subject.id))
    const token = body.access_token
    expect((await gate.call('GET', '/auth/me', { token })).status).toBe(200)
    expect((await post('/auth/mfa/enroll/totp', {}, token)).body.code).toBe('step_up_required')
    const removed = await gate.call('DELETE', `/auth/mfa/factors/${phone.id}`, { token, body: {} })
    expect(removed.body.code).toBe('step_up_required')
  })

  it('lets an administrator look, and change nothing', async () => {
    const subject = await gate.addUser({ role: 'admin' })
    await gate.addPhone(subject)
    const { body } = await use(await begin(subject), await issue(subject.id))
    expect((await gate.call('GET', '/api/admin/users', { token: body.access_token })).status).toBe(200)
    expect((await send('POST', '/companies', { name: 'x' }, body.access_token)).body.code).toBe(
      'step_up_required',
    )
  })

  it('is nobody else’s, not for a step-up, and stays good for its owner', async () => {
    const [mine, theirs] = [await personWithPhone(), await personWithPhone()]
    const pass = await issue(mine.subject.id)
    expect((await use(await begin(theirs.subject), pass)).status).toBe(401)
    const begun = await begin(mine.subject)
    const verified = await post('/auth/mfa/verify', { temp_token: begun, code: mine.phone.code() })
    const stepUp = await post('/auth/step-up', {}, verified.body.access_token)
    expect((await use(stepUp.body.temp_token, pass)).status).toBe(401)
    expect((await use(begun, pass)).status).toBe(401)
    expect((await use(verified.body.access_token, pass)).status).toBe(401)
    expect((await use(await begin(mine.subject), pass)).status).toBe(200)
  })

  it('is void after a quarter of an hour, after a new one, after a reset, and for who is shut out', async () => {
    const { subject } = await personWithPhone()
    const [first, second] = [await issue(subject.id), await issue(subject.id)]
    expect((await use(await begin(subject), first)).status).toBe(401)
    gate.clock.at += 15 * 60_000
    expect((await use(await begin(subject), second)).status).toBe(401)
    admin = await gate.signInAdmin()
    const third = await issue(subject.id)
    const begun = await begin(subject)
    await gate.store.transaction(async (tx) => {
      await lockSubject(tx, subject.id)
      await tx.subjects.update(subject.id, { disabledAt: gate.clock.at })
    })
    expect((await use(begun, third)).status).toBe(401)
    await gate.store.transaction((tx) => tx.subjects.update(subject.id, { disabledAt: null }))
    await send('POST', `/users/${subject.id}/reset-factors`, { reason: 'lost' })
    await gate.addPhone(subject)
    expect((await use(await begin(subject), third)).status).toBe(401)
  })
})
