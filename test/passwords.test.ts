import { createHashQueue, issueTicket, type Subject, systemRandom, type Ticket } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { type Harness, openHarness } from './support/harness.ts'
import { countHashes, createLogin, home, type Login } from './support/login.ts'

const minute = 60_000
const day = 24 * 60 * minute
const next = 'Zm4!kq9(xBtw'

describe.each(databases)('passwords on $database', ({ open }) => {
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
    harness.clock.at += 2 * day
    login = createLogin(harness)
    user = await login.addUser()
  })

  const kinds = () => login.letters.map(({ kind }) => kind)

  describe('changing', () => {
    it('leaves the new password alone in force', async () => {
      const { session } = await login.open(user)
      expect(await login.change(session)).toMatchObject({ status: 'changed' })
      expect(await login.attempt(user)).toEqual({ status: 'refused' })
      expect(await login.attempt(user, { password: next })).toMatchObject({ status: 'signed_in' })
      expect(login.letters).toMatchObject([{ to: user.email, kind: 'password_changed' }])
    })

    it('ends every other session, every refresh token, and every sign-in under way', async () => {
      const [mine, other] = [await login.open(user), await login.open(user)]
      const phone = await harness.addPhone(user)
      const { attempt } = await login.begin(user)
      const outcome = await login.change(mine.session)
      expect(await login.sessions.find(mine.session.id)).not.toBe(null)
      expect(await login.sessions.find(other.session.id)).toBe(null)
      for (const { refreshToken } of [mine, other]) {
        expect(await login.sessions.refresh(refreshToken)).toMatchObject({ status: 'refused' })
      }
      expect(await login.verify(attempt.id, phone.code())).toEqual({ status: 'gone', reason: 'finished' })
      const { refreshToken } = outcome as { refreshToken: string }
      expect(await login.sessions.refresh(refreshToken)).toMatchObject({ status: 'refreshed' })
    })

    it('leaves no refresh token alive that was traded at the same moment', async () => {
      const { session, refreshToken } = await login.open(user)
      const [changed, refreshed] = await Promise.all([
        login.change(session),
        login.sessions.refresh(refreshToken),
      ])
      expect(changed).toMatchObject({ status: 'changed' })
      const traded = refreshed.status === 'refreshed' ? refreshed.refreshToken : refreshToken
      expect(await login.sessions.refresh(traded)).toMatchObject({ status: 'refused' })
    })

    it('wants the present password, within the budget of guesses that signing in has', async () => {
      const { session } = await login.open(user)
      for (let time = 0; time < 5; time++) await login.wrong(user)
      for (let time = 0; time < 5; time++) {
        expect(await login.change(session, { current: 'not the password' })).toEqual({ status: 'refused' })
      }
      expect(await login.change(session)).toMatchObject({ status: 'throttled' })
      expect(await login.attempt(user)).toMatchObject({ status: 'throttled' })
      expect(login.letters).toEqual([])
    })

    it('takes no unfit password, and costs no guess for it', async () => {
      const { session } = await login.open(user)
      for (const unfit of ['short', 'Password2026!!', user.email!, 'correct horse battery staple']) {
        const fault = { status: 'unfit', faults: [{ path: 'password' }] }
        const refused = async () => expect(await login.change(session, { next: unfit })).toMatchObject(fault)
        expect(await countHashes(refused)).toBe(0)
      }
    })

    it('is for a full session in force', async () => {
      const { session } = await login.open(user)
      await login.sessions.revoke({ id: session.id, subjectId: user.id, actor: null })
      expect(await login.change(session)).toEqual({ status: 'refused' })
      const enrolling = await harness.store.transaction((tx) =>
        login.sessions.open(tx, { subject: user, kind: 'enrolling', factors: [], proved: false, ...home }),
      )
      expect(await login.change(enrolling.session)).toEqual({ status: 'refused' })
    })
  })

  describe('resetting', () => {
    const request = (email = user.email!, address = home.address) =>
      login.passwords.requestReset({ email, address })
    const confirm = (token: string, password = next) => login.passwords.confirmReset({ token, password })
    const issue = (more: { purpose?: Ticket['purpose']; subjectId?: string | null } = {}) => {
      const wanted = { purpose: 'password_reset', subjectId: user.id, issuedBy: 'test', ...more } as const
      const context = { clock: harness.clock, random: systemRandom }
      return harness.store.transaction((tx) => issueTicket(wanted, { tx, ...context }))
    }
    const refused = { status: 'refused' }

    it('sets a password by a token that was mailed, once', async () => {
      expect(await request()).toEqual({ status: 'accepted' })
      expect(login.letters).toMatchObject([{ to: user.email, kind: 'password_reset' }])
      const token = login.letters[0]!.facts.token!
      expect(token).toMatch(/^spt_[\w-]{43}$/)
      expect(await confirm(token)).toMatchObject({ status: 'reset', subject: { id: user.id } })
      expect(await confirm(token, 'another Zm4!kq9(xBtw')).toEqual(refused)
      expect(await login.attempt(user, { password: next })).toMatchObject({ status: 'signed_in' })
      expect(kinds()).toEqual(['password_reset', 'password_changed'])
    })

    it('lets one of many parallel callers win', async () => {
      const token = await issue()
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => confirm(token)))
      expect(outcomes.filter(({ status }) => status === 'reset')).toHaveLength(1)
      expect(outcomes.filter(({ status }) => status === 'refused')).toHaveLength(5)
    })

    it('takes no token that has expired, is for another purpose, for nobody, or none at all', async () => {
      const expired = await issue()
      harness.clock.at += 30 * minute
      const tokens = [expired, await issue({ purpose: 'invitation' }), await issue({ subjectId: null })]
      for (const token of [...tokens, '', 'x'.repeat(1 << 20)]) expect(await confirm(token)).toEqual(refused)
      await login.open(user)
    })

    it('voids the other letters under way, but only once it is done', async () => {
      const [first, second] = [await issue(), await issue()]
      expect(await confirm(first)).toMatchObject({ status: 'reset' })
      expect(await confirm(second)).toEqual(refused)
    })

    it('keeps the token when the new password will not do, or there is no time to hash it', async () => {
      const token = await issue()
      expect(await confirm(token, 'short')).toMatchObject({ status: 'unfit' })
      const crowded = createLogin(harness, { hashQueue: createHashQueue({ concurrency: 0, waiting: 0 }) })
      expect(await crowded.passwords.confirmReset({ token, password: next })).toEqual({ status: 'busy' })
      expect(await confirm(token)).toMatchObject({ status: 'reset' })
    })

    it('ends every session and sign-in, lets nobody past the second factor, and is remembered', async () => {
      const { session, refreshToken } = await login.open(user)
      const phone = await harness.addPhone(user)
      const { attempt } = await login.begin(user)
      expect(await confirm(await issue())).toMatchObject({ status: 'reset' })
      expect(await login.sessions.find(session.id)).toBe(null)
      expect(await login.sessions.refresh(refreshToken)).toMatchObject({ reason: 'revoked' })
      expect(await login.verify(attempt.id, phone.code())).toEqual({ status: 'gone', reason: 'finished' })
      expect(await login.attempt(user, { password: next })).toMatchObject({ status: 'mfa' })
      const stored = await harness.store.read((tx) => tx.subjects.find(user.id))
      expect(stored?.passwordResetAt).toBe(harness.clock.at)
    })

    it('is not for a disabled account', async () => {
      const token = await issue()
      await login.disable(user)
      expect(await confirm(token)).toEqual(refused)
    })

    it('tells nobody whether there is such an account', async () => {
      const disabled = await login.addUser()
      await login.disable(disabled)
      const unverified = await login.addUser({ emailVerified: false })
      const strangers = [
        disabled.email!,
        unverified.email!,
        'nobody@example.org',
        '\u0000',
        'x'.repeat(1 << 16),
      ]
      const written = async (email: string) => {
        const before = await harness.store.read((tx) => tx.ledger.head())
        expect(await request(email)).toEqual({ status: 'accepted' })
        return (await harness.store.read((tx) => tx.ledger.head()))!.seq - (before?.seq ?? 0)
      }
      const own = await written(user.email!)
      for (const email of strangers) expect(await written(email)).toBe(own)
      expect(kinds()).toEqual(['password_reset'])
    })

    it('sends three letters an hour, whatever the spelling or the address, and says nothing of it', async () => {
      for (let time = 0; time < 6; time++) {
        const email = time % 2 ? user.email!.toUpperCase() : user.email!
        expect(await request(email, `198.51.100.${time}`)).toEqual({ status: 'accepted' })
      }
      expect(login.letters).toHaveLength(3)
      harness.clock.at += 60 * minute
      await request()
      expect(login.letters).toHaveLength(4)
    })

    it('is slowed for an address that asks for many', async () => {
      for (let time = 0; time < 20; time++) await request(`nobody${time}@example.org`)
      expect(await request()).toEqual({ status: 'throttled', until: harness.clock.at + 60 * minute })
      expect(login.letters).toEqual([])
    })

    it('by mail alone is never enough for an administrator', async () => {
      const admin = await login.addUser({ role: 'admin' })
      await request(admin.email!)
      expect(login.letters).toEqual([])
      await harness.addPhone(admin)
      await request(admin.email!)
      expect(kinds()).toEqual(['password_reset'])
    })
  })
})
