import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type KeyGate, openKeyGate, page } from './support/key-gate.ts'
import { callerOf } from './support/people.ts'
import { makeSecurityKey } from './support/security-key.ts'

const oneOf = (id: string, kinds: string[]) => ({ id, label: id, any_of: kinds })
const any = ['totp', 'email', 'backup', 'webauthn']

/** Users may come by a passkey alone; administrators need their password, and guests are kept out. */
const policies = {
  policies: [
    { name: 'attackers', when: { risk: '>= 100' }, action: 'deny' },
    { name: 'shared browsers', when: { roles: ['kiosk'], new_device: true }, action: 'deny' },
    { name: 'guests', when: { roles: ['guest'] }, action: 'deny' },
    {
      name: 'administrators',
      when: { roles: ['admin'] },
      action: 'chain',
      chain: { mode: 'fixed', required_steps: 1, factors: [oneOf('second', any)] },
    },
    {
      name: 'users',
      action: 'chain',
      passkey: true,
      chain: { mode: 'fixed', required_steps: 1, factors: [oneOf('second', any)] },
      too_few: 'enrol',
    },
  ],
}

describe('a passkey in the place of the password', () => {
  let gate: KeyGate
  let holder: Awaited<ReturnType<KeyGate['addKeyHolder']>>

  beforeAll(async () => {
    gate = await openKeyGate({ policies })
    // Nobody has a factor yet, and no user gets in without one but to enrol.
    holder = await addHolder()
  })
  afterAll(() => gate?.close())
  beforeEach(() => {
    gate.clock.at += 3_600_000
  })

  async function addHolder(more: { role?: string; verifies?: boolean } = {}) {
    const { role = 'user', ...key } = more
    const subject = await gate.addUser({ role })
    const added = await gate.addKey(subject, makeSecurityKey({ origin: page, ...key }))
    return { subject, token: '', ...added }
  }

  const options = async (body: object = {}) => (await gate.post('/auth/passkey/options', body)).body
  const finish = (response: unknown) => gate.post('/auth/passkey/verify', { response })

  it('signs in where the policy says so, with no name typed', async () => {
    const asked = await options()
    expect(asked).toMatchObject({ rpId: 'example.org', allowCredentials: [], userVerification: 'required' })
    const { status, body } = await finish(holder.key.get(asked))
    expect([status, body.user_id]).toEqual([200, holder.subject.id])
    const { body: me } = await gate.call('GET', '/auth/me', { token: body.access_token })
    expect(me.amr).toEqual(['webauthn'])
    // It is fresh proof as well.
    const { status: changed } = await gate.post('/auth/mfa/enroll/totp', {}, body.access_token)
    expect(changed).toBe(200)
    const [kept] = await gate.store.read((tx) => tx.signIns.listBySubject(holder.subject.id, 1))
    expect(kept).toMatchObject({ completedAt: gate.clock.at, score: expect.any(Number) })
    const types = (await gate.ledgerOf({ subject: holder.subject.id })).map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['attempt.started', 'attempt.completed', 'session.opened']))
  })

  it('finds a key that keeps no names by the address, and answers a stranger alike', async () => {
    const known = await options({ email: holder.subject.email })
    expect(known.allowCredentials).toEqual([{ type: 'public-key', id: holder.id }])
    expect((await finish(holder.key.get(known))).status).toBe(200)
    const unknown = await options({ email: 'nobody@example.org' })
    for (const shown of unknown.allowCredentials)
      expect(shown).toEqual({ type: 'public-key', id: expect.stringMatching(/^[\w-]{22,64}$/) })
    expect(Object.keys(unknown)).toEqual(Object.keys(known))
    const again = await options({ email: ' NOBODY@example.org' })
    expect(again.allowCredentials).toEqual(unknown.allowCredentials)
    const other = await options({ email: 'nobody.else@example.org' })
    expect(other.allowCredentials).not.toEqual(unknown.allowCredentials)
    // How many keys are shown tells nothing either.
    const counts = new Set<number>()
    for (let at = 0; at < 160; at++)
      counts.add((await options({ email: `nobody.${at}@example.org` })).allowCredentials.length)
    expect([...counts].sort()).toEqual([1, 2, 3])
  })

  it('takes an answer once, on whichever node, and in time', async () => {
    const second = await gate.addNode()
    const response = holder.key.get(await options())
    const submit = (at: number) =>
      (at % 2 ? second : gate).call('POST', '/auth/passkey/verify', { body: { response } })
    const answers = await Promise.all(Array.from({ length: 16 }, (_, at) => submit(at)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const at of [0, -86_400_000, 40 * 86_400_000]) {
      gate.clock.at += at
      expect((await submit(0)).body.code).toBe('invalid_code')
    }
    const late = holder.key.get(await options())
    gate.clock.at += 300_000
    expect((await finish(late)).body).toMatchObject({
      code: 'invalid_code',
      detail: expect.stringContaining('challenge'),
    })
  })

  it('takes no challenge of an attempt, and no attempt takes one of a passkey', async () => {
    const tempToken = await gate.pending(holder)
    const { body: pending } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    expect((await finish(holder.key.get(pending))).body.code).toBe('invalid_code')
    expect((await gate.verify(tempToken, holder.key.get(await options()))).body.code).toBe('invalid_code')
  })

  it('asks the key who is there, though the policy of steps does not', async () => {
    const silent = await addHolder({ verifies: false })
    expect((await gate.signInWith(silent)).status).toBe(200)
    const { body } = await finish(silent.key.get(await options()))
    expect(body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('PIN') })
  })

  it('keeps out whom another rule matches, and whoever is disabled', async () => {
    for (const role of ['admin', 'guest', 'kiosk']) {
      const kept = await addHolder({ role })
      expect((await finish(kept.key.get(await options()))).body.code).toBe('denied')
    }
    const gone = await addHolder()
    await gate.store.transaction((tx) => tx.subjects.update(gone.subject.id, { disabledAt: gate.clock.at }))
    expect((await finish(gone.key.get(await options()))).body.code).toBe('invalid_code')
  })

  it("spends nobody's guesses, whatever a stranger sends", async () => {
    const { allowCredentials } = await options({ email: holder.subject.email })
    const good = holder.key.get(await options())
    const id = allowCredentials[0].id
    const junk = [
      { ...good, type: 'password' },
      { ...good, rawId: 'AAAA' },
      { ...good, response: { ...good.response, signature: '!' } },
      { ...good, response: { ...good.response, signature: 'AAAA' } },
      { ...good, id: 'AAAA', rawId: 'AAAA' },
      { ...good, response: { ...good.response, userHandle: 'AAAA' } },
    ]
    for (let round = 0; round < 3; round++) {
      for (const response of junk) expect((await finish(response)).body.code).toBe('invalid_code')
    }
    expect(id).toBe(holder.id)
    const guesses = await gate.store.read((tx) => tx.guesses.find(`subject:${holder.subject.id}`))
    expect(guesses?.inRow ?? 0).toBe(0)
    expect((await finish(good)).status).toBe(200)
  })

  it('goes on from a known browser of its owner when the guard has blocked the address, and from no other', async () => {
    const [owner, other] = [await addHolder(), await addHolder()]
    const address = '203.0.113.77'
    const deviceOf = async ({ subject }: typeof owner) => {
      const claim = { subject, address, userAgent: null, token: null }
      const { devices } = gate.services
      const granted = await gate.store.transaction((tx) => devices.remember(tx, claim))
      return `__Host-sallyport-device=${granted.token}`
    }
    const call = callerOf(() => gate.url)
    const devices = [await deviceOf(owner), await deviceOf(other)]
    await gate.services.blocks.blockAutomatically({ address, reason: 'test' })
    const send = async (cookie: string) => {
      const body = { response: owner.key.get(await options()) }
      const headers = { cookie, 'x-forwarded-for': address }
      return (await call('POST', '/auth/passkey/verify', { body, headers })).status
    }
    expect([await send(''), await send(devices[1]!), await send(devices[0]!)]).toEqual([403, 403, 200])
  })

  it('is locked with its copy, like any key', async () => {
    const owner = await addHolder()
    const copy = owner.key.copy()
    expect((await finish(owner.key.get(await options()))).status).toBe(200)
    expect((await finish(copy.get(await options()))).body.detail).toContain('copy')
    expect((await finish(owner.key.get(await options()))).body.code).toBe('invalid_code')
    const { allowCredentials } = await options({ email: owner.subject.email })
    expect(allowCredentials.map(({ id }: { id: string }) => id)).not.toContain(owner.id)
  })
})

describe('where no policy lets a passkey stand alone', () => {
  it('is told so, and signs in by password and key', async () => {
    const gate = await openKeyGate()
    const holder = await gate.addKeyHolder()
    expect((await gate.post('/auth/passkey/options', {})).body.code).toBe('denied')
    const tempToken = await gate.pending(holder)
    const response = await gate.assertion(holder.key, tempToken)
    expect((await gate.post('/auth/passkey/verify', { response })).body.code).toBe('denied')
    expect((await gate.verify(tempToken, response)).status).toBe(200)
    await gate.close()
  })
})

describe('chains with security keys', () => {
  it('walks a key after a code, in order, and begins again after a wrong one', async () => {
    const step = (type: string) => ({ id: type, label: type, type })
    const gate = await openKeyGate({
      policies: { mode: 'fixed', required_steps: 2, factors: [step('totp'), step('webauthn')] },
    })
    const subject = await gate.addUser()
    const phone = await gate.addPhone(subject)
    const { key } = await gate.addKey(subject)
    const tempToken = await gate.pending({ subject })
    const early = await gate.assertion(key, tempToken)
    expect((await gate.verify(tempToken, early)).body).toMatchObject({
      code: 'chain_reset',
      chain: { step: 1 },
    })
    const pass = () => gate.post('/auth/mfa/verify', { temp_token: tempToken, code: phone.code() })
    expect((await pass()).body).toMatchObject({ chain: { step: 2, expected: ['webauthn'] } })
    const wrong = await gate.verify(tempToken, { ...early, id: 'AAAA', rawId: 'AAAA' })
    expect(wrong.body.code).toBe('chain_reset')
    gate.clock.at += 30_000
    expect((await pass()).body).toMatchObject({ chain: { step: 2 } })
    expect((await gate.verify(tempToken, await gate.assertion(key, tempToken))).status).toBe(200)
    await gate.close()
  })

  it('draws any two of three, and two keys pass two steps', async () => {
    const gate = await openKeyGate({
      policies: {
        mode: 'random',
        required_steps: 2,
        factors: ['a', 'b', 'c'].map((id) => ({ id, label: id, type: id === 'c' ? 'totp' : 'webauthn' })),
      },
    })
    const subject = await gate.addUser()
    const phone = await gate.addPhone(subject)
    const keys = [(await gate.addKey(subject)).key, (await gate.addKey(subject)).key]
    const drawn = new Set<string>()
    for (let walk = 0; walk < 12; walk++) {
      gate.clock.at += 60_000
      const { body: login } = await gate.login(subject)
      const left = [...keys]
      let answer = login
      const path: string[] = []
      for (let steps = 0; answer.mfa_required; steps++) {
        expect(steps).toBeLessThan(2)
        const [method] = answer.chain.expected
        path.push(method)
        const proof =
          method === 'totp'
            ? { code: phone.code() }
            : { method, response: await answerBy(left.shift()!, login.temp_token) }
        answer = (await gate.post('/auth/mfa/verify', { temp_token: login.temp_token, ...proof })).body
      }
      expect(answer.access_token).toBeTypeOf('string')
      drawn.add(path.join())
    }
    expect(drawn.size).toBeGreaterThan(1)
    await gate.close()

    async function answerBy(key: (typeof keys)[number], tempToken: string) {
      const { body: asked } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
      const held = asked.allowCredentials.filter(({ id }: { id: string }) => key.holds(id))
      return key.get({ ...asked, allowCredentials: held })
    }
  })
})
