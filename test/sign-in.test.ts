import {
  createHashQueue,
  defaultPasswordLimits,
  parseGatePolicies,
  SallyportError,
  type Subject,
} from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, type Harness, openHarness, wrongCode } from './support/harness.ts'
import { countHashes, createLogin, home, type Login, password } from './support/login.ts'

const minute = 60_000
const day = 24 * 60 * minute
const elsewhere = { address: '203.0.113.9' }

describe.each(databases)('signing in on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let login: Login
  let user: Subject

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
  }, 120_000)

  afterAll(async () => {
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    // The counters of addresses outlive a test: each has a day of its own.
    harness.clock.at += 2 * day
    login = createLogin(harness)
    user = await login.addUser({ aliases: [`ext ${harness.clock.at} ${place.location}`] })
  })

  const now = () => harness.clock.at
  const guess = async (times: number, more: object = {}) => {
    const statuses: string[] = []
    for (let time = 0; time < times; time++) statuses.push((await login.wrong(user, more)).status)
    return statuses
  }
  const refusals = (count: number) => Array<string>(count).fill('refused')

  describe('with a password', () => {
    it('opens a session', async () => {
      const outcome = await login.attempt(user)
      expect(outcome).toMatchObject({ status: 'signed_in', subject: { id: user.id }, graceUntil: null })
      const session = { kind: 'full', provedAt: null, factors: ['password'], ...home }
      expect(outcome).toMatchObject({ session, refreshToken: expect.stringMatching(/^spr_/) })
    })

    it('tells nobody whether it was the account or the password, by answer or by work', async () => {
      const disabled = await login.addUser()
      await login.disable(disabled)
      const bare = await harness.addSubject({ email: `bare.${now()}${place.location}@example.org` })
      const email = `nobody.${now()}@example.org`
      for (const request of [
        () => login.wrong(user),
        () => login.attempt(disabled),
        () => login.attempt(bare),
        () => login.attempt(user, { email }),
        () => login.attempt(user, { email: 'control\u0000character' }),
        () => login.attempt(user, { email: 'x'.repeat(1 << 16) }),
      ]) {
        const refused = async () => expect(await request()).toEqual({ status: 'refused' })
        expect(await countHashes(refused)).toBe(1)
      }
      // And when guessed at too often, both are slowed alike.
      expect((await guess(10)).slice(0, 9)).toEqual(refusals(9))
      const known = await login.wrong(user)
      for (let time = 0; time < 9; time++) await login.attempt(user, { email })
      expect(await login.attempt(user, { email })).toEqual(known)
      expect(known).toEqual({ status: 'throttled', until: now() + minute })
    })

    it('hashes anew what was kept under an older scheme', async () => {
      const old = await createLogin(harness, { passwordScheme: 'pbkdf2-sha256' }).addUser()
      const kept = async () => {
        const held = { status: 'active', factor: 'password' } as const
        const [enrolment] = await harness.store.read((tx) => tx.enrolments.listBySubject(old.id, held))
        const secret = { subject: old.id, purpose: 'password', sealed: enrolment!.sealed! }
        return Buffer.from(await harness.vault.open(secret)).toString()
      }
      expect(await kept()).toMatch(/^\$pbkdf2/)
      expect(await login.wrong(old)).toEqual({ status: 'refused' })
      expect(await kept()).toMatch(/^\$pbkdf2/)
      await login.open(old)
      expect(await kept()).toMatch(/^\$argon2id/)
      await login.open(old)
    })

    it('is turned away at once when too much hashing waits, at no cost of a guess', async () => {
      const crowded = createLogin(harness, { hashQueue: createHashQueue({ concurrency: 1, waiting: 2 }) })
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => crowded.wrong(user)))
      const statuses = outcomes.map(({ status }) => status)
      expect(statuses.filter((status) => status === 'busy')).toHaveLength(5)
      expect(await guess(8)).toEqual([...refusals(7), 'throttled'])
    })
  })

  describe('guessing', () => {
    it('is slowed for longer and longer, and never for good', async () => {
      expect(await guess(11)).toEqual([...refusals(10), 'throttled'])
      expect(await login.attempt(user)).toEqual({ status: 'throttled', until: now() + minute })
      harness.clock.at += minute
      expect(await guess(11)).toEqual([...refusals(10), 'throttled'])
      expect(await login.attempt(user)).toEqual({ status: 'throttled', until: now() + 5 * minute })
      harness.clock.at += 5 * minute
      expect(await login.attempt(user)).toMatchObject({ status: 'signed_in' })
    })

    it('does not keep the owner out elsewhere, nor on a known device', async () => {
      const deviceToken = await login.trust(user)
      await guess(10)
      expect(await login.attempt(user)).toMatchObject({ status: 'throttled' })
      const known = await login.attempt(user, { deviceToken })
      expect(known).toMatchObject({ status: 'signed_in', device: { token: expect.any(String) } })
      expect(await login.attempt(user, elsewhere)).toMatchObject({ status: 'signed_in' })
      const next = (known as { device: { token: string } }).device.token
      expect(await guess(11, { deviceToken: next })).toEqual([...refusals(10), 'throttled'])
    })

    it('counts every spelling and every name of the account as one', async () => {
      const [, alias] = (await harness.store.read((tx) => tx.subjects.aliases(user.id))).sort((a) =>
        a.includes('@') ? -1 : 1,
      )
      const wide = user.email!.replace('@', '＠')
      const names = [user.email, user.email!.toUpperCase(), ` ${user.email}\t`, wide, alias]
      const statuses: string[] = []
      for (const email of [...names, ...names, user.email]) {
        statuses.push((await login.wrong(user, { email })).status)
      }
      expect(statuses).toEqual([...refusals(10), 'throttled'])
    })

    it('in parallel buys no more guesses', async () => {
      const outcomes = await Promise.all(Array.from({ length: 40 }, () => login.wrong(user)))
      expect(outcomes.filter(({ status }) => status === 'refused')).toHaveLength(10)
      expect(outcomes.filter(({ status }) => status === 'throttled')).toHaveLength(30)
    })

    it('is counted even when the request fails', async () => {
      const broken = createLogin(harness, {
        around: (sessions) => ({
          ...sessions,
          open: () => Promise.reject(new SallyportError('store_unavailable', 'the disk is full')),
        }),
      })
      for (let time = 0; time < 10; time++) {
        await expect(broken.attempt(user)).rejects.toThrow('the disk is full')
      }
      expect(await login.attempt(user)).toMatchObject({ status: 'throttled' })
    })

    it('right costs nothing, however often', async () => {
      const few = { ...defaultPasswordLimits.address, attempts: 3 }
      const strict = createLogin(harness, { limits: { pair: few, address: few } })
      for (let time = 0; time < 5; time++) await strict.open(user)
      await Promise.all(Array.from({ length: 2 }, () => strict.open(user)))
    })

    it('from one network is slowed, whomever it is against', async () => {
      const limits = {
        ...defaultPasswordLimits,
        address: { ...defaultPasswordLimits.address, attempts: 4 },
      }
      const strict = createLogin(harness, { limits })
      const others = [await login.addUser(), await login.addUser()]
      const network = (host: number) => ({ address: `2001:db8:7:7::${host}` })
      for (let host = 0; host < 4; host++) {
        expect(await strict.wrong(others[host % 2]!, network(host))).toEqual({ status: 'refused' })
      }
      const throttled = { status: 'throttled', until: now() + 60 * minute }
      expect(await strict.attempt(user, network(99))).toEqual(throttled)
      const deviceToken = await strict.trust(user)
      expect(await strict.attempt(user, { ...network(99), deviceToken })).toMatchObject({
        status: 'signed_in',
      })
      expect(await strict.attempt(user, { address: '2001:db8:7:8::1' })).toMatchObject({
        status: 'signed_in',
      })
      harness.clock.at += 60 * minute
      expect(await strict.attempt(user, network(99))).toMatchObject({ status: 'signed_in' })
    })

    it('ends with a right password that came between, but forgives no wrong one', async () => {
      await guess(9)
      await login.open(user)
      expect(await guess(2)).toEqual(['refused', 'throttled'])
    })
  })

  describe('with a second factor', () => {
    it('opens the session with the commit that completes the attempt', async () => {
      const phone = await harness.addPhone(user)
      const { attempt, methods } = await login.begin(user)
      expect(methods).toEqual(['totp'])
      expect(await login.sessions.list(user.id)).toEqual([])
      expect(await login.verify(attempt.id, wrongCode(phone, now()))).toMatchObject({ status: 'rejected' })
      const outcome = await login.verify(attempt.id, phone.code())
      const session = { kind: 'full', provedAt: now(), factors: ['password', 'totp'] }
      expect(outcome).toMatchObject({ status: 'complete', grant: { status: 'signed_in', session } })
      expect(await login.verify(attempt.id, phone.code(now() + 30_000))).toMatchObject({ status: 'gone' })
    })

    it('offers what was used last, and backup codes behind it', async () => {
      const phone = await harness.addPhone(user)
      await harness.enrolments.regenerateBackupCodes(user)
      await harness.store.transaction(async (tx) => {
        const [backup] = await tx.enrolments.listBySubject(user.id, { factor: 'backup' })
        await tx.enrolments.touch(backup!.id, now())
      })
      const { attempt, methods } = await login.begin(user)
      expect(methods).toEqual(['totp', 'backup'])
      await harness.enrolments.revoke({ subject: user, enrolmentId: phone.enrolment.id })
      expect(await login.signIn.methods(attempt)).toEqual(['backup'])
    })

    it('offers no factor for a second step that has passed the first', async () => {
      const policies = parseGatePolicies(
        chainOf([
          ['totp', 'backup'],
          ['totp', 'backup'],
        ]),
      )
      const strict = createLogin(harness, { policies })
      const phone = await harness.addPhone(user)
      await harness.enrolments.regenerateBackupCodes(user)
      const { attempt } = await strict.begin(user)
      const outcome = await strict.verify(attempt.id, phone.code())
      expect(outcome.status).toBe('advanced')
      if (outcome.status === 'advanced') {
        expect(await strict.signIn.methods(outcome.attempt)).toEqual(['backup'])
      }
    })

    it('is over for somebody who was disabled meanwhile', async () => {
      const phone = await harness.addPhone(user)
      const { attempt } = await login.begin(user)
      await login.disable(user)
      const outcome = await login.verify(attempt.id, phone.code())
      expect(outcome).toMatchObject({ status: 'complete', grant: { status: 'refused' } })
      expect(await login.sessions.list(user.id)).toEqual([])
    })

    it('is void once the person signed out', async () => {
      const phone = await harness.addPhone(user)
      const { attempt } = await login.begin(user)
      const { session } = await harness.store.transaction((tx) =>
        login.sessions.open(tx, { subject: user, kind: 'full', factors: [], proved: true, ...home }),
      )
      await login.sessions.revoke({ id: session.id, subjectId: user.id, actor: null })
      expect(await login.verify(attempt.id, phone.code())).toEqual({ status: 'gone', reason: 'finished' })
    })

    it('is denied where the policy says so, and by nothing that a stranger can see', async () => {
      const policies = parseGatePolicies({ policies: [{ name: 'closed', action: 'deny' }] })
      const closed = createLogin(harness, { policies })
      expect(await closed.attempt(user)).toEqual({ status: 'denied', rule: 'closed', device: null })
      expect(await closed.wrong(user)).toEqual({ status: 'refused' })
    })
  })

  it('accepts no password that was changed while it was judged', async () => {
    let change = async () => {}
    const slow = createLogin(harness, {
      hashQueue: {
        async run(work) {
          const result = await work()
          await change()
          return { result }
        },
      },
    })
    const { session } = await login.open(user)
    change = async () => {
      change = async () => {}
      expect(await login.change(session)).toMatchObject({ status: 'changed' })
    }
    expect(await slow.attempt(user)).toEqual({ status: 'refused' })
    expect(await login.attempt(user, { password })).toEqual({ status: 'refused' })
  })
})
