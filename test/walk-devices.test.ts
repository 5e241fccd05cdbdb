import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Answer } from './support/people.ts'
import {
  expectProblem,
  grantOf,
  openWalk,
  password,
  pendingOf,
  time,
  type User,
  type Walk,
} from './support/walk.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

let walk: Walk
beforeAll(async () => {
  walk = await openWalk({ count: 1, postgres: false })
})
afterAll(() => walk?.close())

const signIn = (user: User, cookie?: string) =>
  walk.call('POST', '/auth/login', {
    headers: { 'user-agent': firefox, ...(cookie && { cookie }) },
    body: { email: user.email, password },
  })

const cookieOf = (answer: Answer) =>
  answer.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-sallyport-device='))

async function enrolled(name: string) {
  const user = await walk.addUser(name)
  const token = await walk.enter(user)
  return { user, ...(await walk.enrol(token)) }
}

/** Passes the second factor and has the browser remembered. */
async function remember({ user, phone }: Awaited<ReturnType<typeof enrolled>>) {
  const begun = await signIn(user)
  expect(begun.body).toEqual(pendingOf(user, ['totp', 'email', 'backup']))
  return walk.call('POST', '/auth/mfa/verify', {
    headers: { 'user-agent': firefox },
    body: { temp_token: begun.body.temp_token, code: await phone.code(), remember_device: true },
  })
}

it('remembers a browser by a cookie that no script reads, lists it, and forgets it when told', async () => {
  const person = await enrolled('remembered')
  const done = await remember(person)
  expect(done.body).toEqual(grantOf(person.user))
  const set = cookieOf(done)!
  expect(set).toMatch(
    /^__Host-sallyport-device=spd_[\w-]{43}; Max-Age=(2592000|2591999); Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
  const first = set.split(';')[0]!

  const again = await signIn(person.user, first)
  expect(again.body).toEqual(grantOf(person.user))
  const second = cookieOf(again)!.split(';')[0]!
  expect(second).not.toBe(first)

  const token = again.body.access_token
  const listed = await walk.call('GET', '/auth/devices', { token, headers: { cookie: second } })
  const { id } = listed.body.devices[0]
  expect(listed.body).toEqual({
    devices: [
      {
        ...{ id, name: 'Firefox on Linux', address: '127.0.0.1', current: true },
        ...{ created_at: time, last_used_at: time, expires_at: time },
      },
    ],
  })
  const stranger = await walk.enter(await walk.addUser('stranger'))
  expect((await walk.get('/auth/devices', stranger)).body).toEqual({ devices: [] })
  expectProblem(await walk.call('DELETE', `/auth/devices/${id}`, { token: stranger }), 404, 'not_found')
  expect((await walk.call('DELETE', `/auth/devices/${id}`, { token })).status).toBe(200)
  expect((await signIn(person.user, second)).body).toMatchObject({ mfa_required: true })
})

it('is no proof: what needs a fresh one still does', async () => {
  const person = await enrolled('unproven')
  const cookie = cookieOf(await remember(person))!.split(';')[0]!
  const { body } = await signIn(person.user, cookie)
  expectProblem(await walk.post('/auth/mfa/enroll/totp', {}, body.access_token), 403, 'step_up_required')
  expect((await walk.get('/auth/me', body.access_token)).body).toMatchObject({ amr: ['password'] })
})

it('is nothing anywhere else: as Bearer, Basic, query or in the place of the session', async () => {
  const person = await enrolled('elsewhere')
  const token = cookieOf(await remember(person))!
    .split(';')[0]!
    .split('=')[1]!
  const basic = `Basic ${Buffer.from(`${token}:`).toString('base64')}`
  for (const headers of [
    { authorization: `Bearer ${token}` },
    { authorization: basic },
    { cookie: `__Host-sallyport=${token}` },
    { cookie: `__Host-sallyport-device=${token}` },
  ])
    expectProblem(
      await walk.call('GET', '/auth/me', { headers: headers as Record<string, string> }),
      401,
      'invalid_token',
    )
  expectProblem(await walk.call('GET', `/auth/me?access_token=${token}`), 401, 'invalid_token')
})

it('is not remembered unasked, nor by a word that is no answer', async () => {
  const { user, phone } = await enrolled('unasked')
  const verify = async (more: object) => {
    const { body } = await signIn(user)
    return walk.post('/auth/mfa/verify', { temp_token: body.temp_token, ...more })
  }
  expect(cookieOf(await verify({ code: await phone.code() }))).toBeUndefined()
  expectProblem(await verify({ code: phone.wrong(), remember_device: 'yes' }), 400, 'invalid_input', {
    errors: [{ path: 'remember_device', message: expect.any(String) }],
  })
  const wrong = await verify({ code: phone.wrong(), remember_device: true })
  expect([wrong.status, cookieOf(wrong)]).toEqual([401, undefined])
})
