import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { type KeyGate, openKeyGate, page } from './support/key-gate.ts'
import { makeSecurityKey } from './support/security-key.ts'

type Holder = Awaited<ReturnType<KeyGate['addKeyHolder']>>

describe.each(databases)('security keys at the login gate on $database', ({ open }) => {
  let place: Place
  let gate: KeyGate
  let holder: Holder

  beforeAll(async () => {
    place = await open()
    gate = await openKeyGate({ location: place.location })
  }, 120_000)
  afterAll(async () => {
    await gate?.close()
    await place?.remove()
  })
  beforeEach(async () => {
    gate.clock.at += 3_600_000
    holder = await gate.addKeyHolder()
  })

  const guesses = async () => (await gate.call('GET', '/auth/mfa/status', { token: holder.token })).body

  it('registers a key, tells its owner, gives a first set of backup codes, and signs in with it', async () => {
    const fresh = await gate.signIn()
    const key = makeSecurityKey({ origin: page })
    const registered = await gate.register(fresh.token, key, 'Blue key')
    expect(registered).toMatchObject({
      success: true,
      method: 'webauthn',
      message: 'The factor is enrolled.',
    })
    expect(registered.backup_codes).toHaveLength(5)
    const { body } = await gate.call('GET', '/auth/mfa/status', { token: fresh.token })
    expect(body).toMatchObject({ enabled: true, method: 'webauthn', backup_codes_remaining: 5 })
    expect(body.factors.map(({ name }: { name: string }) => name).sort()).toEqual([
      'Backup codes',
      'Blue key',
    ])
    expect(await gate.letters()).toContainEqual(
      expect.objectContaining({ kind: 'factor_added', facts: expect.objectContaining({ name: 'Blue key' }) }),
    )
    const login = await gate.login(fresh.subject)
    expect(login.body).toMatchObject({ mfa_required: true, mfa_method: 'webauthn' })
    const done = await gate.signInWith({ subject: fresh.subject, key })
    expect(done.body).toMatchObject({ mfa_required: false, token_type: 'bearer', user_id: fresh.subject.id })
    const { body: me } = await gate.call('GET', '/auth/me', { token: done.body.access_token })
    expect(me.amr).toEqual(['password', 'webauthn'])
    const { body: after } = await gate.post(
      '/auth/mfa/backup-codes/regenerate',
      { code: registered.backup_codes[0] },
      done.body.access_token,
    )
    expect(after.backup_codes).toHaveLength(5)
  })

  it('asks for what is configured, whatever the request says of itself', async () => {
    const { token } = await gate.signIn()
    const asked = await fetch(`${gate.url}/auth/mfa/enroll/webauthn/options`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        host: 'attacker.example',
        origin: 'https://attacker.example',
      },
    })
    expect(await asked.json()).toMatchObject({ rp: { id: 'example.org' }, attestation: 'none' })
  })

  it('keeps nothing of somebody who is erased while a key is registered', async () => {
    const { subject } = await gate.signIn()
    const webauthn = gate.services.webauthn!
    const wanted = { subject, account: 'a', name: 'Key', asFirst: false }
    const begun = await webauthn.begin(wanted)
    if (begun.status !== 'begun') throw new Error('keys are off')
    const key = makeSecurityKey({ origin: page })
    const response = key.create(begun.options)
    await gate.store.transaction((tx) => tx.subjects.erase(subject.id, gate.clock.at))
    await expect(webauthn.begin(wanted)).rejects.toMatchObject({ code: 'not_found' })
    expect(await webauthn.confirm({ subject, response })).toEqual({ status: 'nothing_pending' })
    const other = await gate.signIn()
    expect((await gate.addKey(other.subject, key)).key).toBe(key)
  })

  it('takes one assertion once: of many at the same time one wins, and none later', async () => {
    const tempToken = await gate.pending(holder)
    const response = await gate.assertion(holder.key, tempToken)
    const second = await gate.addNode()
    const submit = (node: Pick<KeyGate, 'call'>) =>
      node.call('POST', '/auth/mfa/verify', { body: { temp_token: tempToken, method: 'webauthn', response } })
    const answers = await Promise.all(Array.from({ length: 16 }, (_, at) => submit(at % 2 ? second : gate)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await submit(gate)).body.code).toBe('invalid_token')
    for (const days of [0, -1, 40]) {
      gate.clock.at += days * 86_400_000
      const again = await gate.pending(holder)
      expect((await gate.verify(again, response)).body.code).toBe('invalid_code')
    }
  })

  it('takes an answer to its own attempt alone, and in time', async () => {
    const mine = await gate.pending(holder)
    const other = await gate.pending(holder)
    const response = await gate.assertion(holder.key, mine)
    const crossed = await gate.verify(other, response)
    expect(crossed.body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('challenge') })
    gate.clock.at += 299_000
    expect((await gate.verify(mine, response)).status).toBe(200)

    const late = await gate.pending(holder)
    const stale = await gate.assertion(holder.key, late)
    gate.clock.at += 300_000
    expect((await gate.verify(late, stale)).body.code).toBe('invalid_token')
    gate.clock.at -= 7_200_000
    expect((await gate.verify(late, stale)).body.code).toBe('invalid_token')
  })

  it("refuses somebody else's key, and one that was removed", async () => {
    const stranger = await gate.addKeyHolder()
    const tempToken = await gate.pending(holder)
    const { body: options } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    const allowed = { ...options, allowCredentials: [{ type: 'public-key', id: stranger.id }] }
    const theirs = await gate.verify(tempToken, stranger.key.get(allowed))
    expect(theirs.body).toMatchObject({ code: 'invalid_code', attempts_left: 4 })

    const renamed = { ...holder.key.get(options), id: stranger.id, rawId: stranger.id }
    expect((await gate.verify(tempToken, renamed)).status).toBe(401)
    const spelled = { ...holder.key.get(options), id: `${holder.id}=`, rawId: `${holder.id}=` }
    expect((await gate.verify(tempToken, spelled)).status).toBe(401)

    const { body: done } = await gate.signInWith(holder)
    const { body: status } = await gate.call('GET', '/auth/mfa/status', { token: done.access_token })
    const { id } = status.factors.find(({ type }: { type: string }) => type === 'webauthn')
    const foreign = await gate.call('DELETE', `/auth/mfa/factors/${id}`, { token: stranger.token })
    expect([403, 404]).toContain(foreign.status)
    const gone = await gate.pending(holder)
    const last = await gate.assertion(holder.key, gone)
    expect((await gate.call('DELETE', `/auth/mfa/factors/${id}`, { token: done.access_token })).status).toBe(
      200,
    )
    expect((await gate.verify(gone, last)).body.code).toBe('invalid_code')
  })

  it('says what is wrong with a response, and counts no guess for a signature', async () => {
    const tempToken = await gate.pending(holder)
    const { body: options } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    const cases: [unknown, string][] = [
      [holder.key.get(options, 'https://example.org'), 'origins'],
      [holder.key.get(options, 'https://login.example.org:444'), 'origins'],
    ]
    const good = holder.key.get(options)
    const flipped = Buffer.from(good.response.signature, 'base64url')
    flipped[flipped.length - 1]! ^= 1
    cases.push([
      { ...good, response: { ...good.response, signature: flipped.toString('base64url') } },
      'signature',
    ])
    for (let round = 0; round < 4; round++) {
      for (const [response, word] of cases) {
        const { status, body } = await gate.verify(tempToken, response)
        expect([status, body.code, body.attempts_left]).toEqual([401, 'invalid_code', undefined])
        expect(body.detail).toMatch(word === 'signature' ? /signature|cannot be read/ : word)
      }
    }
    const failed = (await gate.ledgerOf({ subject: holder.subject.id })).filter(
      ({ type }) => type === 'attempt.step_failed',
    )
    expect(failed.map(({ data }) => data?.why)).toContain('origin')
    expect((await gate.verify(tempToken, holder.key.get(options))).status).toBe(200)
  })

  it('counts what is no signature of a key as a guess like any other, and still opens to the key when locked', async () => {
    const tempToken = await gate.pending(holder)
    const { body: options } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    const good = holder.key.get(options)
    const junk = [
      { ...good, id: 'AAAA', rawId: 'AAAA' },
      { ...good, rawId: 'AAAA' },
      { ...good, type: 'password' },
      { ...good, response: { ...good.response, signature: 'not base64url!' } },
    ]
    for (const [index, response] of junk.entries()) {
      expect((await gate.verify(tempToken, response)).body.attempts_left).toBe(4 - index)
    }
    const code = await gate.post('/auth/mfa/verify', {
      temp_token: tempToken,
      method: 'webauthn',
      code: '123456',
    })
    expect(code.body).toMatchObject({ code: 'invalid_code', attempts_left: 0 })
    const backup = await gate.post('/auth/mfa/verify', { temp_token: tempToken, code: 'AAAA-BBBB' })
    expect(backup.body.code).toBe('locked')
    expect((await gate.verify(tempToken, holder.key.get(options))).status).toBe(200)
  })

  it('refuses other types and mixtures with 400, and counts none of them', async () => {
    const tempToken = await gate.pending(holder)
    const response = await gate.assertion(holder.key, tempToken)
    const bodies = [
      { method: 'webauthn', response: {} },
      { method: 'webauthn', response: 'text' },
      { method: 'webauthn', response: { ...response, id: 7 } },
      { method: 'webauthn', response: { ...response, response: { ...response.response, signature: null } } },
      { method: 'totp', response },
      { response },
      { method: 'webauthn', response, code: '123456' },
      { method: 'webauthn' },
      { method: 'webauthn', response: { ...response, id: 'x'.repeat(2_000) } },
    ]
    for (const body of bodies) {
      const refused = await gate.post('/auth/mfa/verify', { temp_token: tempToken, ...body })
      expect([refused.status, refused.body.code]).toEqual([400, 'invalid_input'])
    }
    const large = { ...response, more: 'x'.repeat(1_000_000) }
    expect((await gate.verify(tempToken, large)).status).toBe(413)
    expect((await gate.verify(tempToken, response)).status).toBe(200)
    expect((await guesses()).enabled).toBe(true)
  })

  it('finds a copied key by its count: both are locked, its owner is told, and the rest still works', async () => {
    const other = makeSecurityKey({ origin: page })
    expect((await gate.signInWith(holder)).status).toBe(200)
    await gate.addKey(holder.subject, other)
    const copy = holder.key.copy()
    expect((await gate.signInWith(holder)).status).toBe(200)
    await gate.letters()

    const copied = await gate.signInWith({ ...holder, key: copy })
    expect(copied.body).toMatchObject({ code: 'invalid_code', detail: expect.stringContaining('copy') })
    expect(await gate.letters()).toContainEqual(
      expect.objectContaining({ kind: 'factor_locked', to: holder.subject.email }),
    )
    const ledger = await gate.ledgerOf({ type: 'enrolment.locked', subject: holder.subject.id })
    expect(ledger.map(({ data }) => data)).toEqual([
      expect.objectContaining({ factor: 'webauthn', reason: 'copied' }),
    ])

    const tempToken = await gate.pending(holder)
    const { body: options } = await gate.post('/auth/mfa/webauthn/options', { temp_token: tempToken })
    expect(options.allowCredentials.map(({ id }: { id: string }) => id)).not.toContain(holder.id)
    const mine = { ...options, allowCredentials: [{ type: 'public-key', id: holder.id }] }
    for (let uses = 0; uses < 2; uses++) {
      expect((await gate.verify(tempToken, holder.key.get(mine))).body.code).toBe('invalid_code')
    }
    const done = await gate.verify(tempToken, other.get(options))
    expect(done.status).toBe(200)
    const { body: status } = await gate.call('GET', '/auth/mfa/status', { token: done.body.access_token })
    const locked = status.factors.filter((factor: object) => 'locked_at' in factor)
    expect(locked).toHaveLength(1)
    const removed = await gate.call('DELETE', `/auth/mfa/factors/${locked[0].id}`, {
      token: done.body.access_token,
    })
    expect(removed.status).toBe(200)
  })

  it('never cries wolf over a key that does not count', async () => {
    const still = await gate.addKeyHolder(makeSecurityKey({ origin: page, counts: false }))
    for (let uses = 0; uses < 3; uses++) expect((await gate.signInWith(still)).status).toBe(200)
    expect(await gate.ledgerOf({ type: 'enrolment.locked', subject: still.subject.id })).toEqual([])
  })

  it('asks for fresh proof before another key, by a key as by anything else', async () => {
    const second = makeSecurityKey({ origin: page })
    const { body: before } = await gate.post('/auth/mfa/enroll/webauthn/options', {}, holder.token)
    expect(before.code).toBe('step_up_required')
    const { body: begun } = await gate.post('/auth/step-up', {}, holder.token)
    const proved = await gate.verify(begun.temp_token, await gate.assertion(holder.key, begun.temp_token))
    expect(proved.status).toBe(200)
    expect((await gate.register(holder.token, second)).backup_codes).toHaveLength(5)
    gate.clock.at += 301_000
    expect((await gate.post('/auth/mfa/enroll/webauthn/options', {}, holder.token)).body.code).toBe(
      'step_up_required',
    )
    // A challenge asked for by the session proves on the spot, for what the call does and for no attempt.
    const { body: options } = await gate.post('/auth/mfa/webauthn/options', {}, holder.token)
    const tempToken = await gate.pending(holder)
    expect((await gate.verify(tempToken, second.get(options))).body.code).toBe('invalid_code')
    const response = second.get(options)
    const regenerated = await gate.post(
      '/auth/mfa/backup-codes/regenerate',
      { method: 'webauthn', response },
      holder.token,
    )
    expect(regenerated.body.backup_codes).toHaveLength(5)
    const twice = await gate.post('/auth/mfa/disable', { method: 'webauthn', response }, holder.token)
    expect(twice.body.code).toBe('invalid_code')
    const { body: again } = await gate.post('/auth/mfa/webauthn/options', {}, holder.token)
    const off = await gate.post(
      '/auth/mfa/disable',
      { method: 'webauthn', response: second.get(again) },
      holder.token,
    )
    expect(off.body.success).toBe(true)
  })

  it('registers a response once, for whom it was asked, and never a key that is registered already', async () => {
    const { token } = await gate.signIn()
    const stranger = await gate.signIn()
    const key = makeSecurityKey({ origin: page })
    const { body: options } = await gate.post('/auth/mfa/enroll/webauthn/options', {}, token)
    const response = key.create(options)
    const confirm = (as: string) => gate.post('/auth/mfa/enroll/webauthn/verify', { response }, as)
    expect((await confirm(stranger.token)).body.code).toBe('nothing_pending')
    const answers = await Promise.all(Array.from({ length: 8 }, () => confirm(token)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await confirm(token)).body.code).toBe('nothing_pending')
  })

  it('lets no registration begun as the first become a second one', async () => {
    const { token, subject } = await gate.signIn()
    const early = makeSecurityKey({ origin: page })
    const { body: options } = await gate.post('/auth/mfa/enroll/webauthn/options', {}, token)
    const response = early.create(options)
    await gate.addKey(subject)
    const late = await gate.post('/auth/mfa/enroll/webauthn/verify', { response }, token)
    expect(late.body.code).toBe('nothing_pending')
  })

  it('lets a pending token ask and answer for its attempt, and open nothing else', async () => {
    const tempToken = await gate.pending(holder)
    for (const path of ['/auth/mfa/enroll/webauthn/options', '/auth/mfa/webauthn/options']) {
      expect((await gate.post(path, {}, tempToken)).body.code).toBe('invalid_token')
    }
    const { body } = await gate.post('/auth/mfa/webauthn/options', { temp_token: holder.token })
    expect(body.code).toBe('invalid_token')
  })
})
