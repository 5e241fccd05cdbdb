import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyGate, openKeyGate, page } from './support/key-gate.ts'
import { makeSecurityKey, type SecurityKey } from './support/security-key.ts'
import { type Client, callsWith } from './support/service-gate.ts'

const shop = 'https://shop.example'

describe('security keys by the service API', () => {
  let gate: KeyGate
  let pbx: Client
  let erp: Client
  let next = 1000

  beforeAll(async () => {
    gate = await openKeyGate()
    pbx = callsWith(gate.url, await gate.addApiKey('pbx'))
    erp = callsWith(gate.url, await gate.addApiKey('erp', { rpId: 'shop.example', origins: [shop] }))
  })
  afterAll(() => gate?.close())

  async function enrol(client: Client, extension: string, key: SecurityKey, origin = page) {
    const begun = await client.post('enroll-fido2', { extension, device_name: 'Blue key' })
    expect(begun.status).toBe(200)
    return client.post('enroll-fido2', { extension, response: key.create(begun.body, origin) })
  }

  async function holder(client = pbx, origin = page) {
    const extension = String(next++)
    const key = makeSecurityKey({ origin })
    const { body } = await enrol(client, extension, key, origin)
    return { extension, key, id: body.credential_id as string }
  }

  const challenge = async (client: Client, extension: string) =>
    (await client.post('challenge', { extension, method: 'webauthn' })).body

  it('registers, lists and verifies a key', async () => {
    const { extension, key, id } = await holder()
    const asked = await challenge(pbx, extension)
    expect(asked).toMatchObject({ rpId: 'example.org', allowCredentials: [{ id, type: 'public-key' }] })
    const response = key.get(asked)
    expect((await pbx.post('verify', { extension, response })).body).toEqual({
      success: true,
      method: 'webauthn',
    })
    expect((await pbx.post('verify', { extension, response, method: 'webauthn' })).body.code).toBe(
      'invalid_code',
    )
    const { body: status } = await pbx.get(`status/${extension}`)
    expect(status).toMatchObject({ enabled: true, methods: ['webauthn'] })
    const { body } = await pbx.get(`methods/${extension}`)
    const time = expect.stringMatching(/Z$/)
    expect(body.methods.fido2).toEqual([
      { credential_id: id, device_name: 'Blue key', enrolled_at: time, last_used: time },
    ])
    const { body: copy } = await pbx.get(`subjects/${extension}/export`)
    expect(copy.factors[0]).toMatchObject({ type: 'webauthn', settings: { credential_id: id } })
  })

  it('has each application name its own domain and pages', async () => {
    const { extension, key } = await holder(erp, shop)
    const asked = await challenge(erp, extension)
    expect(asked.rpId).toBe('shop.example')
    expect((await erp.post('verify', { extension, response: key.get(asked) })).status).toBe(200)
    const begun = await erp.post('enroll-fido2', { extension: '9', device_name: 'x' })
    expect(begun.body.rp).toEqual({ id: 'shop.example', name: 'erp' })
  })

  it("takes no other application's subject, key or challenge", async () => {
    const mine = await holder()
    const asked = await challenge(pbx, mine.extension)
    const theirs = await erp.post('challenge', { extension: mine.extension, method: 'webauthn' })
    expect(theirs.body.code).toBe('nothing_enrolled')
    const response = mine.key.get(asked)
    expect((await erp.post('verify', { extension: mine.extension, response })).body.code).toBe('invalid_code')
    const other = await holder()
    expect((await pbx.post('verify', { extension: other.extension, response })).body.code).toBe(
      'invalid_code',
    )
    const swapped = {
      ...(await challenge(pbx, other.extension)),
      allowCredentials: [{ type: 'public-key', id: mine.id }],
    }
    const forged = mine.key.get(swapped)
    expect((await pbx.post('verify', { extension: other.extension, response: forged })).body.code).toBe(
      'invalid_code',
    )
    expect((await pbx.post('verify', { extension: mine.extension, response })).status).toBe(200)
  })

  it('asks for proof before a second key, and turns off by a key', async () => {
    const { extension, key } = await holder()
    const early = await pbx.post('enroll-fido2', { extension, device_name: 'Second' })
    expect(early.body.code).toBe('step_up_required')
    expect(
      (await pbx.post('verify', { extension, response: key.get(await challenge(pbx, extension)) })).status,
    ).toBe(200)
    expect((await enrol(pbx, extension, makeSecurityKey({ origin: page }))).body.success).toBe(true)
    const response = key.get(await challenge(pbx, extension))
    const answers = await Promise.all([1, 2, 3, 4].map(() => pbx.post('disable', { extension, response })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await pbx.get(`status/${extension}`)).body.enabled).toBe(false)
  })

  it('refuses what cannot be used, and says why', async () => {
    const { extension, key } = await holder()
    const both = { extension, device_name: 'x', response: {} }
    for (const body of [{ extension }, both, { extension, response: 'x' }, { device_name: 'x' }]) {
      expect((await pbx.post('enroll-fido2', body)).body.code).toBe('invalid_input')
    }
    const { body: begun } = await pbx.post('enroll-fido2', { extension: '77', device_name: 'x' })
    const elsewhere = makeSecurityKey({ origin: 'https://example.org' }).create(begun)
    const refused = await pbx.post('enroll-fido2', { extension: '77', response: elsewhere })
    expect(refused.body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('origins') })
    const late = key.get(await challenge(pbx, extension))
    gate.clock.at += 300_000
    expect((await pbx.post('verify', { extension, response: late })).body.detail).toContain('challenge')
  })
})

describe('what is configured', () => {
  it('is switched off: nobody is asked for a key, or may register one', async () => {
    const gate = await openKeyGate({ fido2: { enabled: false } })
    const { token } = await gate.signIn()
    const { body } = await gate.post('/auth/mfa/enroll/webauthn/options', {}, token)
    expect(body.code).toBe('webauthn_unavailable')
    expect((await gate.post('/auth/passkey/options', {})).body.code).toBe('denied')
    await gate.close()
  })

  it('asks every key who is there', async () => {
    const gate = await openKeyGate({ fido2: { user_verification: 'required' } })
    const holder = await gate.addKeyHolder(makeSecurityKey({ origin: page, verifies: false }))
    const { body } = await gate.signInWith(holder)
    expect(body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('PIN') })
    await gate.close()
  })

  it('allows keys of named models that are attested, and no others', async () => {
    const aaguids = ['4e49442d-4155-5448-2d33-313431353932']
    const gate = await openKeyGate({ fido2: { attestation: 'direct', aaguids } })
    await expect(gate.addKeyHolder()).rejects.toThrow('rejected')
    const rejected = await gate.ledgerOf({ type: 'enrolment.rejected' })
    expect(rejected.map(({ data }) => data?.why)).toEqual(['attestation'])
    await gate.close()
  })

  it.each([
    [{ origins: ['https://elsewhere.example'] }, 'security.mfa.fido2.origins'],
    [{ rp_id: 'elsewhere.example' }, 'security.mfa.fido2.rp_id'],
    [{ origins: ['http://login.example.org'] }, 'https only'],
    [{ origins: ['https://login.example.org/'] }, 'must be an origin'],
    [{ rp_id: 'Example.org' }, 'must be a domain'],
    [{ aaguids: ['4e49442d-4155-5448-2d33-313431353932'] }, 'attestation: direct'],
  ])('is refused at the start when it cannot work: %j', async (fido2, told) => {
    await expect(openKeyGate({ fido2 })).rejects.toThrow(told)
  })
})

describe('a thousand registrations and sign-ins', () => {
  it('all go through, each with a key of its own', async () => {
    const gate = await openKeyGate()
    const webauthn = gate.services.webauthn!
    const policies = gate.services.policies
    const one = async (index: number) => {
      const subject = await gate.addUser({ email: `user${index}@example.org` })
      const { key } = await gate.addKey(subject)
      const started = await gate.services.attempts.start({
        gate: 'login',
        purpose: 'sign-in',
        subject,
        policies,
      })
      if (started.status !== 'pending') throw new Error(started.status)
      const attemptId = started.attempt.id
      const asked = await webauthn.request({ subject, for: { attempt: attemptId } })
      const { status } = await gate.services.attempts.verify({
        attemptId,
        method: 'webauthn',
        input: key.get(asked),
      })
      return status
    }
    const tally: Record<string, number> = {}
    for (let round = 0; round < 1_000; round += 20) {
      const statuses = await Promise.all(Array.from({ length: 20 }, (_, at) => one(round + at)))
      for (const status of statuses) tally[status] = (tally[status] ?? 0) + 1
    }
    expect(tally).toEqual({ complete: 1_000 })
    await gate.close()
  }, 180_000)
})
