import { addValidationClient, systemRandom, validationSignature } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAdminGate } from './support/admin-gate.ts'
import { openSqlite, type Place } from './support/databases.ts'
import { password } from './support/login.ts'
import { callsWith } from './support/service-gate.ts'
import { importKeys, type TestKey, testKey, typed } from './support/yubikey.ts'

type Gate = Awaited<ReturnType<typeof openAdminGate>>

let place: Place
let gate: Gate
let key: TestKey
let keys = 0

beforeAll(async () => {
  place = await openSqlite()
  gate = await openAdminGate({ location: place.location })
})

afterAll(async () => {
  await gate?.close()
  await place?.remove()
})

beforeEach(async () => {
  const privateId = (++keys).toString(16).padStart(12, '0')
  key = {
    ...testKey,
    privateId,
    publicId: `ccccccccc${keys > 15 ? 'v' : 'c'}${'cbdefghijklnrtuv'[keys % 16]}v`,
  }
  await importKeys(gate, key)
})

const enrolFor = (token: string, body: unknown) =>
  gate.call('POST', '/auth/mfa/enroll/yubikey', { token, body })
const verify = (temp_token: string, code: unknown, method = 'yubikey') =>
  gate.call('POST', '/auth/mfa/verify', { body: { temp_token, code, method } })

describe('a person with a YubiKey', () => {
  it('registers it by a touch, and signs in with it', async () => {
    const { subject, token } = await gate.signIn()
    const [first, second, third] = await typed(key, [1, 0], [1, 1], [2, 0])
    const { status, body } = await enrolFor(token, { otp: first, name: 'Blue key' })
    expect(status).toBe(200)
    expect(body).toEqual({
      success: true,
      message: 'The factor is enrolled.',
      method: 'yubikey',
      enrolled_at: expect.any(String),
      enrolment_id: expect.any(String),
      public_id: key.publicId,
    })
    const letters = await gate.letters()
    expect(letters.at(-1)).toMatchObject({
      kind: 'factor_added',
      facts: { factor: 'yubikey', name: 'Blue key' },
    })
    const begun = (await gate.login(subject)).body
    expect(begun).toMatchObject({ mfa_required: true, mfa_method: 'yubikey', chain: { of: 1 } })
    expect((await verify(begun.temp_token, first)).body.code).toBe('invalid_code')
    const done = await verify(begun.temp_token, second!.toUpperCase())
    expect(done.body).toMatchObject({ mfa_required: false, access_token: expect.any(String) })
    const bearer = { token: done.body.access_token }
    expect((await gate.call('GET', '/auth/me', bearer)).body.amr).toEqual(['password', 'yubikey'])
    expect((await gate.call('GET', '/auth/mfa/status', bearer)).body).toMatchObject({
      enabled: true,
      method: 'yubikey',
      factors: [
        { id: body.enrolment_id, type: 'yubikey', name: 'Blue key', last_used_at: expect.any(String) },
      ],
    })
    const more = { ...bearer, body: { code: third } }
    expect(
      (await gate.call('POST', '/auth/mfa/backup-codes/regenerate', more)).body.backup_codes,
    ).toHaveLength(10)
  })

  it('proves a factor afresh before a second one is added (P5)', async () => {
    const { subject } = await gate.signIn()
    const phone = await gate.addPhone(subject)
    const { temp_token } = (await gate.login(subject)).body
    const { body: signed } = await gate.call('POST', '/auth/mfa/verify', {
      body: { temp_token, code: phone.code() },
    })
    gate.clock.at += 6 * 60_000
    const [first, second] = await typed(key, [1, 0], [2, 0])
    expect((await enrolFor(signed.access_token, { otp: first })).body.code).toBe('step_up_required')
    const step = (await gate.call('POST', '/auth/step-up', { token: signed.access_token })).body
    await verify(step.temp_token, phone.code(), 'totp')
    // Refused before it was looked at, so it is not used up.
    expect((await enrolFor(signed.access_token, { otp: first })).status).toBe(200)
    expect((await enrolFor(signed.access_token, { otp: second })).body.code).toBe('already_exists')
    expect((await enrolFor(signed.access_token, { otp: second })).body.code).toBe('invalid_code')
  })

  it.each([
    ['no OTP', {}, 'invalid_input'],
    ['one of another type', { otp: 7 }, 'invalid_input'],
    ['a field too many', { otp: 'x', public_id: 'y' }, 'invalid_input'],
    ['a pending token', { otp: 'x' }, 'invalid_token'],
    ['a code of digits', { otp: '123456' }, 'invalid_code'],
  ])('is refused with %s', async (what, body, code) => {
    const { subject, token } = await gate.signIn()
    await gate.addPhone(subject)
    const { temp_token } = (await gate.login(subject)).body
    const fresh = (await gate.signIn()).token
    const used = what === 'a pending token' ? temp_token : fresh
    expect((await enrolFor(used, body)).body.code).toBe(code)
    expect(token).not.toBe(used)
  })

  it('keeps no secret where an administrator or a log could see it', async () => {
    const [first] = await typed(key, [1, 0])
    const { token, subject } = await gate.signIn()
    await enrolFor(token, { otp: first })
    const entries = JSON.stringify(await gate.ledgerOf({ subject: subject.id }))
    for (const secret of [first!, key.aesKey, key.privateId, password]) expect(entries).not.toContain(secret)
  })
})

describe("an application's subject with a YubiKey", () => {
  async function addClient() {
    const { key: secret } = await gate.addKey(`app${keys}`)
    return callsWith(gate.url, secret)
  }

  it('is enrolled, verified by shape, listed, exported, and disabled', async () => {
    const client = await addClient()
    const otps = await typed(key, [1, 0], [2, 0], [3, 0], [4, 0])
    const enrolled = await client.post('enroll-yubikey', {
      extension: '1001',
      otp: otps[0],
      device_name: 'Blue',
    })
    expect([enrolled.status, enrolled.body]).toEqual([200, { success: true, public_id: key.publicId }])
    const code = otps[1]
    expect((await client.post('verify', { extension: '1001', code })).body).toEqual({
      success: true,
      method: 'yubikey',
    })
    expect((await client.post('verify', { extension: '1001', code })).body.code).toBe('invalid_code')
    expect((await client.post('verify', { extension: '1001', code: otps[2], method: 'totp' })).status).toBe(
      401,
    )
    expect((await client.get('methods/1001')).body.methods.yubikeys).toEqual([
      {
        public_id: key.publicId,
        device_name: 'Blue',
        enrolled_at: expect.any(String),
        last_used: expect.any(String),
      },
    ])
    expect((await client.get('status/1001')).body).toMatchObject({ enabled: true, methods: ['yubikey'] })
    const exported = (await client.get('subjects/1001/export')).body
    expect(exported.factors).toMatchObject([{ type: 'yubikey', settings: { public_id: key.publicId } }])
    expect(JSON.stringify(exported)).not.toMatch(new RegExp(`${otps[1]}|${key.aesKey}`))
    expect((await client.post('disable', { extension: '1001', code: otps[3] })).body).toEqual({
      success: true,
    })
    expect((await client.get('status/1001')).body).toMatchObject({ enabled: false, methods: [] })
  })

  it('needs fresh proof for a second key, and is no other application’s', async () => {
    const [client, stranger] = [await addClient(), callsWith(gate.url, (await gate.addKey('stranger')).key)]
    const otps = await typed(key, [1, 0], [2, 0])
    const second = { ...key, publicId: 'vvvvvvvvvvvv' }
    await importKeys(gate, second)
    const [another, later] = await typed(second, [50, 0], [51, 0])
    await client.post('enroll-yubikey', { extension: '1002', otp: otps[0], device_name: 'One' })
    const refused = await client.post('enroll-yubikey', {
      extension: '1002',
      otp: another,
      device_name: 'Two',
    })
    expect(refused.body.code).toBe('step_up_required')
    expect((await stranger.post('verify', { extension: '1002', code: otps[1] })).body.code).toBe(
      'invalid_code',
    )
    expect((await client.post('verify', { subject: '1002', code: otps[1] })).status).toBe(200)
    expect(
      (await client.post('enroll-yubikey', { extension: '1002', otp: later, device_name: 'Two' })).status,
    ).toBe(200)
  })
})

describe('/wsapi/2.0/verify', () => {
  const nonce = 'abcdefgh12345678'
  let client: { id: string; key: Buffer }

  beforeAll(async () => {
    const made = await addValidationClient({ name: 'VPN', actor: 'test' }, { ...gate, random: systemRandom })
    client = { id: made.id, key: Buffer.from(made.key, 'base64') }
  })

  async function ask(query: Record<string, string>, key: Buffer | null = client.key) {
    const signed = key ? { ...query, h: validationSignature(query, key) } : query
    const answer = await gate.call('GET', `/wsapi/2.0/verify?${new URLSearchParams(signed)}`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(answer.text).toMatch(/^(\w+=[^\r\n]*\r\n)+\r\n$/)
    const lines = answer.text.trim().split('\r\n')
    const fields = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
    expect(Object.keys(fields)).toHaveLength(lines.length)
    const { h, ...rest } = fields
    if (h !== undefined) expect(h).toBe(validationSignature(rest, client.key))
    return { ...rest, signed: h !== undefined }
  }

  it('says OK once, and then what was seen before', async () => {
    const [otp, older, later] = (await typed(key, [5, 5], [5, 4], [6, 0])) as [string, string, string]
    const query = { id: client.id, otp, nonce, timestamp: '1', sl: '50', timeout: '8', more: 'a b&c=d' }
    expect(await ask(query)).toEqual({
      ...{ otp, nonce, status: 'OK', sl: '100', signed: true },
      t: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ0\d{3}$/),
      ...{ timestamp: String(0x0153f8 + 5), sessioncounter: '5', sessionuse: '5' },
    })
    expect(await ask(query)).toMatchObject({ status: 'REPLAYED_REQUEST', otp, nonce, signed: true })
    expect(await ask({ ...query, nonce: `${nonce}X` })).toMatchObject({ status: 'REPLAYED_OTP' })
    expect(await ask({ ...query, otp: otp.toUpperCase() })).toMatchObject({ status: 'REPLAYED_REQUEST' })
    expect(await ask({ ...query, otp: older })).toMatchObject({ status: 'REPLAYED_OTP' })
    const plain = await ask({ id: client.id, otp: later, nonce })
    expect(Object.keys(plain).sort()).toEqual(['nonce', 'otp', 'signed', 'sl', 'status', 't'])
    const validated = await gate.ledgerOf({ type: 'yubikey.validated' })
    expect(validated.map(({ data }) => data?.status)).toEqual([
      'OK',
      'REPLAYED_REQUEST',
      'REPLAYED_OTP',
      'REPLAYED_REQUEST',
      'REPLAYED_OTP',
      'OK',
    ])
  })

  it('shares its counters with the factor', async () => {
    const { subject, token } = await gate.signIn()
    const [first, second, third] = (await typed(key, [1, 0], [2, 0], [3, 0])) as [string, string, string]
    await enrolFor(token, { otp: first })
    expect(await ask({ id: client.id, otp: first, nonce })).toMatchObject({ status: 'REPLAYED_OTP' })
    expect(await ask({ id: client.id, otp: second, nonce })).toMatchObject({ status: 'OK' })
    const { temp_token } = (await gate.login(subject)).body
    expect((await verify(temp_token, second)).body.code).toBe('invalid_code')
    expect((await verify(temp_token, third)).status).toBe(200)
    expect(await ask({ id: client.id, otp: third, nonce })).toMatchObject({ status: 'REPLAYED_OTP' })
  })

  it('accepts one of many requests at once, on two nodes', async () => {
    const node = await gate.addNode()
    const [otp] = (await typed(key, [1, 0])) as [string]
    const ask = async (index: number) => {
      const query = { id: client.id, otp, nonce: `${nonce}${index}` }
      const signed = new URLSearchParams({ ...query, h: validationSignature(query, client.key) })
      const { text } = await (index % 2 ? node : gate).call('GET', `/wsapi/2.0/verify?${signed}`)
      return /^status=(.*)\r$/m.exec(text)![1]
    }
    const statuses = await Promise.all(Array.from({ length: 16 }, (_, index) => ask(index)))
    expect(statuses.toSorted()).toEqual(['OK', ...Array(15).fill('REPLAYED_OTP')])
  })

  it('says in its own words what is wrong, and uses nothing up', async () => {
    const [otp, foreign] = [
      (await typed(key, [1, 0]))[0]!,
      (await typed({ ...key, aesKey: '22'.repeat(16) }, [1, 0]))[0]!,
    ]
    const good = { id: client.id, otp, nonce }
    const without = (name: keyof typeof good) =>
      Object.fromEntries(Object.entries(good).filter(([one]) => one !== name))
    const cases: [string, Record<string, string>, (Buffer | null)?][] = [
      ['MISSING_PARAMETER', {}],
      ['MISSING_PARAMETER', without('id')],
      ['MISSING_PARAMETER', without('otp')],
      ['MISSING_PARAMETER', without('nonce')],
      ['MISSING_PARAMETER', { ...good, nonce: 'short' }],
      ['MISSING_PARAMETER', { ...good, nonce: 'x'.repeat(41) }],
      ['MISSING_PARAMETER', { ...good, nonce: `${nonce}\r\nstatus=OK` }],
      ['MISSING_PARAMETER', good, null],
      ['BAD_SIGNATURE', good, Buffer.from('another key')],
      ['BAD_SIGNATURE', { ...good, h: 'AAAA' }, null],
      ['BAD_SIGNATURE', { ...good, h: `${validationSignature({ ...good, nonce: 'x' }, client.key)}` }, null],
      ['NO_SUCH_CLIENT', { ...good, id: '1' }],
      ['NO_SUCH_CLIENT', { ...good, id: `0${client.id}` }],
      ['NO_SUCH_CLIENT', { ...good, id: `${client.id}' OR 1=1` }],
      ['BAD_OTP', { ...good, otp: foreign }],
      ['BAD_OTP', { ...good, otp: otp.slice(0, -1) }],
      ['BAD_OTP', { ...good, otp: `vvvvvvvvvvvv${otp.slice(12)}` }],
      ['BAD_OTP', { ...good, otp: 'x'.repeat(8_000) }],
    ]
    for (const [status, query, by = client.key] of cases)
      expect(await ask(query, by)).toMatchObject({ status })
    expect(await ask(good)).toMatchObject({ status: 'OK' })
  })

  it('signs nothing that somebody could read another answer into', async () => {
    const [otp] = (await typed(key, [1, 0])) as [string]
    const forged = `${otp}&sl=100&status=OK&t=2026-01-01T00:00:00Z0000`
    for (const query of [
      { id: client.id, otp: forged, nonce },
      { id: client.id, otp, nonce: `${nonce}&otp=${forged}` },
    ]) {
      for (const by of [null, client.key]) {
        const answer = await ask(query, by)
        expect(answer.status).not.toBe('OK')
        expect(JSON.stringify(answer)).not.toContain('status=OK')
      }
    }
  })

  it('says that it cannot tell when a secret does not open (P8)', async () => {
    const { store } = gate
    const [otp] = (await typed(key, [1, 0])) as [string]
    await store.transaction(async (tx) => {
      const { sealed } = (await tx.yubikeys.find(key.publicId))!
      const bytes = sealed.bytes.with(-1, sealed.bytes.at(-1)! ^ 1)
      await tx.yubikeys.reseal(key.publicId, sealed.keyId, { ...sealed, bytes })
    })
    expect(await ask({ id: client.id, otp, nonce })).toMatchObject({
      status: 'BACKEND_ERROR',
      otp,
      signed: true,
    })
    const { token } = await gate.signIn()
    expect((await enrolFor(token, { otp })).body).toMatchObject({ status: 503, code: 'vault_sealed_damaged' })
  })
})
