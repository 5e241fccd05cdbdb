import { parseGatePolicies } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { type Harness, openHarness } from './support/harness.ts'
import { createLogin, type Login, password } from './support/login.ts'

const policies = parseGatePolicies({
  policies: [{ name: 'too odd', when: { risk: '>= 30' }, action: 'deny' }],
  otherwise: 'allow',
})

describe.each(databases)('the risk of a sign-in on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let login: Login
  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
    login = createLogin(harness, { policies })
  })
  afterAll(async () => {
    await harness.close()
    await place.remove()
  })

  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  const kept = (subjectId: string) => harness.store.read((tx) => tx.signIns.listBySubject(subjectId, 9))

  it('is kept with its reasons, in history and ledger, and policies decide by it', async () => {
    const subject = await login.addUser()
    const signIn = (address: string, userAgent: string | null = firefox) =>
      login.signIn.withPassword({ email: subject.email!, password, address, userAgent })
    expect((await signIn('192.0.2.1')).status).toBe('signed_in')
    expect((await signIn('192.0.2.1')).status).toBe('signed_in')
    expect((await kept(subject.id)).map(({ score, completedAt }) => [score, completedAt !== null])).toEqual([
      [0, true],
      [0, true],
    ])
    harness.clock.at += 1_000
    expect((await signIn('192.0.2.9')).status).toBe('signed_in')
    expect(await kept(subject.id)).toMatchObject([
      { score: 15, reasons: [{ reason: 'new_network', points: 15 }] },
      {},
      {},
    ])
    expect(await signIn('198.51.100.1', 'curl/8')).toMatchObject({ status: 'denied', rule: 'too odd' })
    const entries = await harness.store.read((tx) => tx.ledger.latest(null, 9, { subject: subject.id }))
    const [denied] = entries.filter(({ body }) => body.includes('risk_reasons'))
    expect(JSON.parse(denied!.body)).toMatchObject({
      data: { risk: 30, risk_reasons: ['new_device', 'new_network'] },
    })
  })

  it('knows a password that is being sprayed', async () => {
    const victim = await login.addUser()
    for (let index = 0; index < 5; index++) {
      const guess = { email: `nobody${index}@example.org`, password, address: '203.0.113.1', userAgent: null }
      expect((await login.signIn.withPassword(guess)).status).toBe('refused')
    }
    const hit = { email: victim.email!, password, address: '192.0.2.77', userAgent: firefox }
    expect(await login.signIn.withPassword(hit)).toMatchObject({ status: 'denied' })
  })
})
