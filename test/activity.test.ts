import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminGate, openAdminGate } from './support/admin-gate.ts'
import { databases, type Place } from './support/databases.ts'

const minute = 60_000

describe.each(databases)('what happened to an account, on $database', ({ open }) => {
  let place: Place
  let gate: AdminGate

  beforeAll(async () => {
    place = await open()
    gate = await openAdminGate({ location: place.location })
  }, 120_000)
  afterAll(async () => {
    await gate?.close()
    await place?.remove()
  })

  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what the tests look at
  async function activity(token: string, query = ''): Promise<{ items: any[]; next: string | null }> {
    const answer = await gate.call('GET', `/auth/activity${query}`, { token })
    expect(answer.status).toBe(200)
    return answer.body
  }
  const append = (subject: string, types: string[], data: Record<string, string> = {}) =>
    gate.store.transaction(async (tx) => {
      for (const type of types) tx.ledger.append({ type, at: gate.clock.at, subject, data })
    })

  it('is told to the person, with where it came from', async () => {
    const user = await gate.addUser()
    const phone = await gate.addPhone(user)
    expect((await gate.login(user, 'not my password at all')).status).toBe(401)
    const begun = await gate.login(user)
    const verify = (code: string) =>
      gate.call('POST', '/auth/mfa/verify', { body: { temp_token: begun.body.temp_token, code } })
    expect((await verify('000000')).status).toBe(401)
    const { body } = await verify(phone.code())
    const { items, next } = await activity(body.access_token)
    expect(next).toBeNull()
    const from = { address: '127.0.0.1', by_administrator: false }
    expect(items.slice(0, 3)).toMatchObject([
      { type: 'session.opened', ...from, browser: 'A browser', factors: ['password', 'totp'] },
      { type: 'attempt.step_failed', ...from, browser: null },
      { type: 'password.refused', ...from, browser: 'A browser' },
    ])
    expect(items.map(({ type }) => type)).toContain('subject.created')
  })

  it('says what administrators did, and neither who nor why', async () => {
    const admin = await gate.signInAdmin()
    const { subject } = await gate.signIn()
    await gate.addPhone(subject)
    const reset = { token: admin.token, body: { reason: 'lost in the lake', mail: true } }
    expect((await gate.call('POST', `/api/admin/users/${subject.id}/reset-factors`, reset)).status).toBe(200)
    const again = await gate.login(subject)
    const answer = await gate.call('GET', '/auth/activity', { token: again.body.access_token })
    const types = answer.body.items.filter((one: { by_administrator: boolean }) => one.by_administrator)
    expect(types.map((one: { type: string }) => one.type)).toEqual([
      'ticket.issued',
      'factors.reset',
      'session.all_revoked',
      'enrolment.revoked',
    ])
    expect(types[0]).toMatchObject({ purpose: 'enrolment_link' })
    expect(answer.text).not.toMatch(new RegExp(`lake|${admin.subject.id}|hash`))
  })

  it('is nobody else’s, and only for who is signed in', async () => {
    const [one, other] = [await gate.signIn(), await gate.signIn()]
    await append(one.subject.id, ['subject.locked'])
    expect((await activity(one.token)).items[0]).toMatchObject({ type: 'subject.locked' })
    expect((await activity(other.token)).items.map(({ type }) => type)).not.toContain('subject.locked')
    expect((await gate.call('GET', '/auth/activity')).status).toBe(401)
    const foreign = `/auth/activity?subject=${one.subject.id}`
    expect((await gate.call('GET', foreign, { token: other.token })).status).toBe(400)
  })

  it('comes in pages, each thing once', async () => {
    const { subject, token } = await gate.signIn()
    await append(
      subject.id,
      Array.from({ length: 7 }, (_, index) => (index % 2 ? 'admin.read' : 'password.set')),
    )
    const whole = (await activity(token)).items
    const paged = []
    for (let after = ''; ; ) {
      const { items, next } = await activity(token, `?limit=2${after}`)
      expect(items.length).toBeLessThanOrEqual(2)
      paged.push(...items)
      if (next === null) break
      after = `&after=${next}`
    }
    expect(paged).toEqual(whole)
    expect((await gate.call('GET', '/auth/activity?after=-1', { token })).status).toBe(400)
  })

  it('looks through so much of a history at once, and goes on from there', async () => {
    const { subject, token } = await gate.signIn()
    gate.clock.at += minute
    const many = Array.from({ length: 1_000 }, () => 'session.refreshed')
    for (let round = 0; round < 6; round++) await append(subject.id, many)
    const first = await activity(token)
    expect(first.items).toEqual([])
    const { items, next } = await activity(token, `?after=${first.next}`)
    expect(items[0]).toMatchObject({ type: 'session.opened' })
    expect(next).toBeNull()
  })
})
