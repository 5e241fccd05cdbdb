import { decodeSecret, parseProvisioningUri } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { codeOf, epoch } from './support/harness.ts'
import { type Enrolled, enrol, openServiceGate, type ServiceGate } from './support/service-gate.ts'

const step = 30_000
const minute = 60_000

describe.each(databases)('the service API on $database', ({ open }) => {
  let place: Place
  let gate: ServiceGate
  let pbx: Awaited<ReturnType<ServiceGate['addKey']>>
  let names = 0
  let extension: string

  beforeAll(async () => {
    place = await open()
    gate = await openServiceGate({ location: place.location })
    pbx = await gate.addKey()
  }, 120_000)

  afterAll(async () => {
    await gate?.close()
    await place?.remove()
  })

  beforeEach(() => {
    gate.clock.at = epoch
    extension = `10${++names}`
  })

  const verify = (code: unknown, more: object = {}) => pbx.post('verify', { extension, code, ...more })
  const wrong = { status: 401, body: { code: 'invalid_code' } }
  /** Well-formed, and none of the window's. */
  const wrongFor = (who: Enrolled) =>
    ['000000', '111111', '222222', '333333', '444444'].find(
      (code) => ![-2, -1, 0, 1, 2].some((n) => who.code(gate.clock.at + n * step) === code),
    )!

  /** The subject of this test as the store has it. */
  const subjectId = async () => (await pbx.get(`subjects/${extension}/export`)).body.id as string
  const typesOf = async (id: string) => (await gate.ledgerOf(id)).map(({ type }) => type)

  describe('enrolling', () => {
    it('gives what an authenticator needs, and ten codes, all of it valid once confirmed', async () => {
      const { status, body } = await pbx.post('enroll', {
        extension,
        account_name: 'Ada & Co: "x"?issuer=evil',
      })
      expect(status).toBe(200)
      expect(Object.keys(body)).toEqual(['success', 'secret', 'provisioning_uri', 'qr_code', 'backup_codes'])
      const uri = parseProvisioningUri(body.provisioning_uri)
      expect(uri).toMatchObject({ issuer: 'pbx Inc.', account: 'Ada & Co: "x"?issuer=evil' })
      expect(Buffer.from(uri.secret)).toEqual(Buffer.from(decodeSecret(body.secret)))
      expect(body.qr_code).toMatch(/^data:image\/png;base64,iVBOR/)
      expect(body.backup_codes).toHaveLength(10)

      expect(await verify(codeOf(uri.secret, epoch))).toMatchObject(wrong)
      expect(await verify(body.backup_codes[0])).toMatchObject(wrong)
      expect((await pbx.get(`status/${extension}`)).body.enabled).toBe(false)
      const code = codeOf(uri.secret, epoch)
      const confirmed = await pbx.post('verify-enrollment', { extension, code })
      expect(confirmed).toMatchObject({ status: 200, body: { success: true } })
      expect(await verify(code)).toMatchObject(wrong)
      expect(await verify(body.backup_codes[0])).toMatchObject({ status: 200 })
    })

    it('shows the name of the subject where no account name is given', async () => {
      const { body } = await pbx.post('enroll', { subject: `Süd ${extension}` })
      expect(parseProvisioningUri(body.provisioning_uri).account).toBe(`Süd ${extension}`)
    })

    it('confirms nothing that is not pending, with one answer for known and unknown', async () => {
      const nothing = { status: 409, body: { code: 'nothing_pending' } }
      expect(await pbx.post('verify-enrollment', { extension, code: '123456' })).toMatchObject(nothing)
      const phone = await enrol(pbx, extension, epoch)
      const again = await pbx.post('verify-enrollment', { extension, code: phone.code(epoch + step) })
      expect(again).toMatchObject(nothing)
    })

    it('bounds the guesses at a pending authenticator', async () => {
      await pbx.post('enroll', { extension })
      const answers = []
      for (let n = 0; n < 6; n++) {
        answers.push((await pbx.post('verify-enrollment', { extension, code: 'nonsense' })).status)
      }
      expect(answers).toEqual([401, 401, 401, 401, 401, 429])
    })

    it('adds a second authenticator after fresh proof only, and voids no backup code by it', async () => {
      const first = await enrol(pbx, extension, epoch)
      const stepUp = { status: 403, body: { code: 'step_up_required' } }
      expect(await pbx.post('enroll', { extension })).toMatchObject(stepUp)
      gate.clock.at += step
      expect(await verify(first.code(gate.clock.at))).toMatchObject({ status: 200 })
      gate.clock.at += 5 * minute
      expect(await pbx.post('enroll', { extension })).toMatchObject(stepUp)
      expect(await verify(first.code(gate.clock.at))).toMatchObject({ status: 200 })
      gate.clock.at += 5 * minute - 1
      const second = await pbx.post('enroll', { extension })
      expect(second).toMatchObject({ status: 200, body: { backup_codes: [] } })
      // Not confirmed, so nothing has changed.
      expect(await verify(first.code(gate.clock.at))).toMatchObject({ status: 200 })
      const secret = decodeSecret(second.body.secret)
      await pbx.post('verify-enrollment', { extension, code: codeOf(secret, gate.clock.at) })
      gate.clock.at += step
      expect(await verify(codeOf(secret, gate.clock.at))).toMatchObject({ status: 200 })
      expect(await verify(first.code(gate.clock.at))).toMatchObject({ status: 200 })
      expect(await verify(first.backupCodes[3])).toMatchObject({ status: 200 })
    })

    it('lets no enrolment that was begun before there was a factor become a second one', async () => {
      const early = await pbx.post('enroll', { extension })
      gate.clock.at += 1
      const own = await pbx.post('enroll', { extension })
      const confirm = (enrolment: typeof own) =>
        pbx.post('verify-enrollment', { extension, code: codeOf(decodeSecret(enrolment.body.secret), epoch) })
      expect(await confirm(own)).toMatchObject({ status: 200 })
      expect(await confirm(early)).toMatchObject({ status: 409, body: { code: 'nothing_pending' } })
      gate.clock.at += step
      expect(await verify(codeOf(decodeSecret(early.body.secret), gate.clock.at))).toMatchObject(wrong)
    })

    it('makes one subject of many first calls at once', async () => {
      const spellings = [extension, ` ${extension} `, extension]
      const calls = Array.from({ length: 12 }, (_, n) => pbx.post('enroll', { extension: spellings[n % 3] }))
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(12).fill(200))
      const { body } = await pbx.get(`subjects/${extension}/export`)
      expect(body.aliases).toEqual([extension])
    })

    it('refuses an e-mail address that another subject goes by', async () => {
      const email = `shared${extension}@example.org`
      expect(await pbx.post('enroll', { extension, email })).toMatchObject({ status: 200 })
      const other = await pbx.post('enroll', { extension: `other ${extension}`, email })
      expect(other).toMatchObject({ status: 409, body: { code: 'already_exists' } })
    })
  })

  describe('verifying', () => {
    let phone: Enrolled

    beforeEach(async () => {
      phone = await enrol(pbx, extension, epoch)
      gate.clock.at += 10 * minute
    })

    it('takes a code once and says by what', async () => {
      const code = phone.code(gate.clock.at)
      expect(await verify(code)).toMatchObject({ status: 200, body: { success: true, method: 'totp' } })
      expect(await verify(code)).toMatchObject(wrong)
      gate.clock.at -= 30 * minute
      expect(await verify(code)).toMatchObject(wrong)
    })

    it('takes each backup code once, in any spelling', async () => {
      const [one, two, three] = phone.backupCodes as [string, string, string]
      const spelled = [one.toLowerCase(), two.replace('-', ''), three.replace('-', '').toLowerCase()]
      for (const code of spelled) {
        expect(await verify(code)).toMatchObject({ status: 200, body: { method: 'backup' } })
      }
      expect(await verify(one)).toMatchObject(wrong)
      expect((await pbx.get(`methods/${extension}`)).body.methods.backup_codes).toEqual({ remaining: 7 })
    })

    it('gives one of 64 calls at once with the same code', async () => {
      const totp = phone.code(gate.clock.at)
      const backup = phone.backupCodes[5]!
      for (const code of [totp, backup]) {
        const answers = await Promise.all(Array.from({ length: 64 }, () => verify(code)))
        const tally = answers.map(({ status }) => status)
        expect(tally.filter((status) => status === 200)).toHaveLength(1)
        expect(tally.every((status) => [200, 401, 429].includes(status))).toBe(true)
        gate.clock.at += 2 * minute
      }
    })

    it('counts every wrong code in one budget, whatever the method, spelling or shape', async () => {
      const padded = `${phone.code(gate.clock.at)} `
      const tries = [
        { extension, code: padded },
        { subject: `  ${extension}`, code: wrongFor(phone), method: 'totp' },
        { extension: extension.replace('1', '１'), code: 'ABCD-EFGH', method: 'backup' },
        { extension, code: 'c'.repeat(44) },
      ]
      const left = []
      for (const body of tries) {
        const answer = await pbx.post('verify', body)
        expect(answer).toMatchObject(wrong)
        left.push(answer.body.attempts_left)
      }
      expect(left).toEqual([4, 3, 2, 1])
      const last = await pbx.post('verify', { extension, code: '' })
      expect(last).toMatchObject({ status: 401, body: { code: 'invalid_code', attempts_left: 0 } })
      expect(Number(last.headers.get('retry-after'))).toBe(60)
      const right = {
        status: 429,
        body: { code: 'locked', retry_at: new Date(gate.clock.at + minute).toISOString() },
      }
      for (const code of [phone.code(gate.clock.at), phone.backupCodes[0]]) {
        expect(await verify(code)).toMatchObject(right)
      }
      expect(await pbx.post('disable', { extension, code: phone.code(gate.clock.at) })).toMatchObject(right)
      gate.clock.at += minute
      expect(await verify(phone.code(gate.clock.at))).toMatchObject({ status: 200 })
    })

    it('locks after five of many guesses at once', async () => {
      const guesses = Array.from({ length: 40 }, (_, n) => `${100_000 + n}`)
      const right = phone.code(gate.clock.at)
      const answers = await Promise.all(guesses.filter((code) => code !== right).map((code) => verify(code)))
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      expect(answers.filter(({ status }) => status === 429).length).toBe(answers.length - 5)
      expect(await verify(right)).toMatchObject({ status: 429 })
    })

    it.each(['full-width', 'spaced', 'doubled', 'long', 'null-ended'])('fails a %s code', async (kind) => {
      const code = phone.code(gate.clock.at)
      const spelled: Record<string, string> = {
        'full-width': code.replace(/./g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)),
        spaced: `${code.slice(0, 3)} ${code.slice(3)}`,
        doubled: code + code,
        long: code + '0'.repeat(1_000),
        'null-ended': `${code}\0`,
      }
      expect(await verify(spelled[kind])).toMatchObject(wrong)
      expect(await verify(code)).toMatchObject({ status: 200 })
    })

    it('takes only a code of the method that is named', async () => {
      expect(await verify(phone.code(gate.clock.at), { method: 'backup' })).toMatchObject(wrong)
      expect(await verify(phone.backupCodes[0], { method: 'totp' })).toMatchObject(wrong)
      expect(await verify(phone.code(gate.clock.at), { method: 'email' })).toMatchObject(wrong)
      expect(await verify(phone.code(gate.clock.at), { method: 'totp' })).toMatchObject({ status: 200 })
    })

    it('answers for a stranger, and for one with nothing enrolled, as for a first wrong code', async () => {
      const [stranger, bare] = [`stranger ${extension}`, `bare ${extension}`]
      await pbx.post('enroll', { extension: bare })
      const known = await verify(wrongFor(phone))
      for (const name of [stranger, bare]) {
        const answer = await pbx.post('verify', { extension: name, code: '123456' })
        expect(answer).toMatchObject({ status: 401, body: known.body })
      }
    })

    it('records who called, what was decided, and the address that the application names', async () => {
      const id = await subjectId()
      expect(await verify(phone.code(gate.clock.at), { client_ip: '::FFFF:203.0.113.9' })).toMatchObject({
        status: 200,
      })
      const entries = await gate.ledgerOf(id)
      const started = entries.find(({ type, gate: door }) => type === 'attempt.started' && door === 'service')
      expect(started?.data.address).toBe('203.0.113.9')
      expect(entries.at(-1)).toMatchObject({
        type: 'attempt.completed',
        data: { purpose: 'verify', factors: ['totp'] },
      })
      for (const client_ip of ['300.1.1.1', 'localhost', '', '10.0.0.0/8']) {
        const answer = await verify('123456', { client_ip })
        expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'client_ip' }] } })
      }
    })
  })

  describe('disabling', () => {
    it('takes a right code, and removes every factor with it', async () => {
      const phone = await enrol(pbx, extension, epoch)
      gate.clock.at += step
      expect(await pbx.post('disable', { extension, code: wrongFor(phone) })).toMatchObject(wrong)
      expect((await pbx.get(`status/${extension}`)).body.enabled).toBe(true)
      const code = phone.code(gate.clock.at)
      expect(await pbx.post('disable', { extension, code })).toMatchObject({
        status: 200,
        body: { success: true },
      })
      expect((await pbx.get(`status/${extension}`)).body).toMatchObject({ enabled: false, methods: [] })
      expect(await verify(phone.backupCodes[0])).toMatchObject(wrong)
      // It begins anew, and the code that disabled the old one stays used up.
      await enrol(pbx, extension, gate.clock.at)
    })

    it('takes a backup code as well', async () => {
      const phone = await enrol(pbx, extension, epoch)
      expect(await pbx.post('disable', { extension, code: phone.backupCodes[0] })).toMatchObject({
        status: 200,
      })
    })

    it('takes a reason from a key with the scope admin alone, and records both', async () => {
      await enrol(pbx, extension, epoch)
      const id = await subjectId()
      const reason = 'phone lost, identity checked at the desk'
      expect(await pbx.post('disable', { extension, reason })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      })
      const desk = await gate.addKey('pbx', ['admin'])
      expect(await desk.post('disable', { extension, reason })).toMatchObject({ status: 200 })
      const removed = (await gate.ledgerOf(id)).find(({ type }) => type === 'factors.removed')
      expect(removed).toMatchObject({ actor: `apikey:${desk.id}`, data: { reason } })
      expect((await pbx.get(`status/${extension}`)).body.enabled).toBe(false)
      expect(await desk.post('disable', { extension: 'nobody', reason })).toMatchObject({ status: 404 })
    })

    it('takes either a code or a reason', async () => {
      for (const body of [
        {},
        { code: '123456', reason: 'both' },
        { reason: ' ' },
        { reason: 'x', method: 'totp' },
      ]) {
        expect((await pbx.post('disable', { extension, ...body })).status).toBe(400)
      }
    })
  })

  describe('codes by mail', () => {
    const mailed = async () => {
      await gate.outbox.kick()
      return /\b\d{6}\b/.exec(gate.sent.at(-1)?.text ?? '')?.[0]
    }

    it('are sent to the address that the application vouches for, beside an enrolled factor', async () => {
      const challenge = () => pbx.post('challenge', { extension, method: 'email' })
      const none = { status: 409, body: { code: 'nothing_enrolled' } }
      expect(await challenge()).toMatchObject(none)
      const { body } = await pbx.post('enroll', { extension, email: `${extension}@example.org` })
      const secret = decodeSecret(body.secret)
      await pbx.post('verify-enrollment', { extension, code: codeOf(secret, epoch) })
      expect(await challenge()).toMatchObject({ status: 200, body: { success: true, method: 'email' } })
      const code = await mailed()
      expect(gate.sent.at(-1)?.to).toBe(`${extension}@example.org`)
      expect(await verify(code, { method: 'totp' })).toMatchObject(wrong)
      expect(await verify(code)).toMatchObject({ status: 200, body: { method: 'email' } })
      expect(await verify(code)).toMatchObject(wrong)
      expect(await challenge()).toMatchObject({ status: 200 })
      const last = await challenge()
      const over = last.status === 200 ? await challenge() : last
      expect(over).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } })
      expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0)
    })

    it('are asked for by no method that is not there', async () => {
      for (const method of ['totp', 'sms', undefined, 7]) {
        expect((await pbx.post('challenge', { extension, method })).status).toBe(400)
      }
    })
  })

  describe('status and methods', () => {
    it('are empty for a stranger, to the letter', async () => {
      expect(await pbx.get(`status/${extension}`)).toMatchObject({
        status: 200,
        body: { enabled: false, required: false, enrolled_at: null, last_verified_at: null, methods: [] },
      })
      expect((await pbx.get(`methods/${extension}`)).body).toEqual({
        methods: {
          totp: { enabled: false, name: null, enrolled_at: null, last_used: null },
          yubikeys: [],
          fido2: [],
          backup_codes: { remaining: 0 },
        },
      })
    })

    it('say what is enrolled, and since when', async () => {
      const phone = await enrol(pbx, extension, epoch)
      gate.clock.at += minute
      await verify(phone.code(gate.clock.at))
      const [since, used] = [epoch, epoch + minute].map((at) => new Date(at).toISOString())
      expect((await pbx.get(`status/${extension}`)).body).toEqual({
        enabled: true,
        required: false,
        enrolled_at: since,
        last_verified_at: used,
        methods: ['backup', 'totp'],
        backup_codes_remaining: 10,
      })
      expect((await pbx.get(`methods/${extension}`)).body.methods).toEqual({
        totp: { enabled: true, name: 'Authenticator', enrolled_at: since, last_used: used },
        yubikeys: [],
        fido2: [],
        backup_codes: { remaining: 10 },
      })
    })

    it('find a name with a slash, an accent, or a percent sign in it', async () => {
      for (const name of [`a/b ${extension}`, `Zoë ${extension}`, `100%25 ${extension}`]) {
        await enrol(pbx, name, epoch)
        expect((await pbx.get(`status/${encodeURIComponent(name)}`)).body.enabled).toBe(true)
      }
      expect((await pbx.get('status/%E0%A4%A')).status).toBe(200)
      expect((await pbx.get('status/%00')).status).toBe(400)
    })
  })

  describe('erasure and export', () => {
    it('hand out all that is stored, without a secret', async () => {
      const phone = await enrol(pbx, extension, epoch)
      await verify(wrongFor(phone))
      const { status, body } = await pbx.get(`subjects/${extension}/export?limit=3`)
      expect(status).toBe(200)
      expect(body).toMatchObject({ extension, aliases: [extension], backup_codes_remaining: 10 })
      expect(body.factors.map((factor: { type: string }) => factor.type).sort()).toEqual(['backup', 'totp'])
      expect(body.guesses.wrong_in_a_row).toBe(1)
      expect(body.ledger.entries.map((entry: { type: string }) => entry.type)).toEqual([
        'subject.created',
        'enrolment.begun',
        'enrolment.confirmed',
      ])
      const rest = await pbx.get(`subjects/${extension}/export?after=${body.ledger.next}`)
      expect(rest.body.ledger.next).toBeNull()
      expect(rest.body.ledger.entries.at(-1).type).toBe('subject.exported')
      const text = JSON.stringify([body, rest.body])
      for (const secret of [
        Buffer.from(phone.secret).toString('base64'),
        ...phone.backupCodes,
        'salt',
        'sealed',
      ]) {
        expect(text).not.toContain(secret)
      }
      for (const query of ['limit=0', 'limit=501', 'after=-1', 'after=x', 'all=1']) {
        expect((await pbx.get(`subjects/${extension}/export?${query}`)).status).toBe(400)
      }
    })

    it('leave nothing but the pseudonym in the ledger', async () => {
      const phone = await enrol(pbx, extension, epoch)
      await verify(wrongFor(phone))
      const id = await subjectId()
      expect(await pbx.delete(`subjects/${extension}`)).toMatchObject({
        status: 200,
        body: { success: true },
      })
      expect(await pbx.delete(`subjects/${extension}`)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      })
      expect(await pbx.get(`subjects/${extension}/export`)).toMatchObject({ status: 404 })
      expect((await pbx.get(`status/${extension}`)).body.enabled).toBe(false)
      expect((await typesOf(id)).at(-1)).toBe('subject.erased')
      const left = await gate.store.read(async (tx) => [
        await tx.subjects.find(id),
        ...(await tx.enrolments.listBySubject(id)),
        await tx.guesses.find(`subject:${id}`),
      ])
      expect(left).toEqual([null, null])
      expect(JSON.stringify(await gate.ledgerOf(id))).not.toContain(`"${extension}"`)
      // A namesake is somebody else, whom the old codes do not open.
      await enrol(pbx, extension, gate.clock.at)
      expect(await verify(phone.backupCodes[0])).toMatchObject(wrong)
      expect(await subjectId()).not.toBe(id)
    })

    it('fail nothing that goes on meanwhile with a fault of ours', async () => {
      const phone = await enrol(pbx, extension, epoch)
      gate.clock.at += step
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          n % 3 === 0
            ? pbx.post('enroll', { extension })
            : n % 3 === 1
              ? verify(phone.backupCodes[n % 10])
              : pbx.delete(`subjects/${extension}`),
        ),
      )
      expect(answers.filter(({ status }) => status >= 500)).toEqual([])
    })
  })

  it('keeps the ledger whole', async () => {
    expect(await gate.verifyLedger()).toMatchObject({ status: 'clean' })
  })
})
