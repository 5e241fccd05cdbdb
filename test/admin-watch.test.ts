import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { databases, type Place } from './support/databases.ts'

describe.each(databases)('what administrators watch, on $database', ({ open }) => {
  let place: Place
  let gate: AdminGate
  let admin: Awaited<ReturnType<AdminGate['signInAdmin']>>

  beforeAll(async () => {
    place = await open()
    gate = await openAdminGate({ location: place.location })
    admin = await gate.signInAdmin()
  }, 120_000)
  afterAll(async () => {
    await gate?.close()
    await place?.remove()
  })

  const watch = (headers: Record<string, string> = {}, token = admin.token) =>
    fetch(`${gate.url}/api/admin/locks/stream`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
    })

  /** Locks somebody as anybody with the password would. */
  async function lock() {
    const subject = await gate.addUser()
    await gate.addPhone(subject)
    const { body } = await gate.login(subject)
    for (let guess = 0; guess < 5; guess++)
      await gate.call('POST', '/auth/mfa/verify', { body: { temp_token: body.temp_token, code: '000000' } })
    return subject
  }

  it('is who is locked and unlocked, as it happens', async () => {
    const live = await watch()
    expect(live.headers.get('content-type')).toBe('text/event-stream')
    const { id: subject } = await lock()
    await gate.call('POST', `/api/admin/users/${subject}/unlock`, { token: admin.token, body: {} })
    const told = await readEvents(live, 2)
    expect(told).toMatchObject([
      { type: 'subject.locked', subject },
      { type: 'subject.unlocked', subject },
    ])
    // Whoever was away for a while hears of what they missed, and of nothing twice.
    const again = await watch({ 'last-event-id': String(told[0]!.id) })
    expect(await readEvents(again, 1)).toEqual([told[1]])
  })

  it('is for administrators, and for nobody who signed out since', async () => {
    const user = await gate.signIn()
    expect((await watch({}, user.token)).status).toBe(403)
    expect((await watch({}, 'none')).status).toBe(401)
    expect((await watch({ accept: 'application/json' })).status).toBe(400)
    const other = await gate.signInAdmin()
    const live = await watch({}, other.token)
    await gate.call('POST', '/auth/logout', { token: other.token, body: {} })
    await lock()
    expect(await live.text()).not.toContain('data:')
  })

  it('names users by their ids, on record, and nobody else', async () => {
    const user = await gate.addUser()
    const names = (ids: string, token = admin.token) =>
      gate.call('GET', `/api/admin/names?ids=${ids}`, { token })
    const { body } = await names(`${user.id},nobody,${user.id}`)
    expect(body).toEqual({ items: [{ id: user.id, name: user.email }], next: null })
    expect((await gate.ledgerOf({ type: 'admin.read' })).at(-1)).toMatchObject({ data: { what: 'names' } })
    expect((await names(user.id, (await gate.signIn()).token)).status).toBe(403)
    for (const wrong of ['', ',', 'x'.repeat(65), Array(101).fill('x').join()])
      expect([wrong, (await names(wrong)).status]).toEqual([wrong, 400])
  })

  it('says where the policies come from, and which addresses are better not blocked', async () => {
    const { token } = admin
    expect((await gate.call('GET', '/api/admin/policies', { token })).body.source).toBe('default')
    const spared = async (ip: string) =>
      (await gate.call('GET', `/api/security/check-ip/${encodeURIComponent(ip)}`, { token })).body.spared
    expect([await spared('127.0.0.1'), await spared('::1'), await spared('203.0.113.7')]).toEqual([
      'always',
      'always',
      null,
    ])
  })
})

/** The first events of a stream; then it is left. */
async function readEvents(response: Response, count: number) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const found = [...text.matchAll(/^data: (.*)\n\n/gm)]
    if (found.length >= count) {
      await reader.cancel()
      return found.slice(0, count).map(([, data]) => JSON.parse(data!))
    }
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended after ${text}`)
    text += value
  }
}
