import {
  defaultEnforcement,
  type Enforcement,
  parseGatePolicies,
  type Session,
  type Subject,
} from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, codeOf, type Harness, openHarness } from './support/harness.ts'
import { createLogin, home, type Login, type LoginOptions } from './support/login.ts'

const day = 24 * 3_600_000
const week = 7 * day
const required: Enforcement = { required: true, grace: week, roles: {} }

describe.each(databases)('what a sign-in leads to on $database', ({ open }) => {
  let place: Place
  let harness: Harness
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
    user = await createLogin(harness).addUser()
  })

  const strict = (more: LoginOptions = {}) => createLogin(harness, { enforcement: required, ...more })
  const atOnce = { enforcement: { ...required, grace: 0 } }

  async function mustEnrol(login: Login, who = user): Promise<Session> {
    const outcome = await login.attempt(who)
    if (outcome.status !== 'must_enrol') throw new Error(`the sign-in is ${outcome.status}`)
    return outcome.session
  }

  /** Enrols and confirms an authenticator, as in a session that may only enrol. */
  async function enrol(who = user) {
    const about = { subject: who, issuer: 'Test', account: 'a', name: 'Phone' }
    const begun = await harness.enrolments.beginTotp(about)
    const sealed = { subject: who.id, purpose: 'totp', sealed: begun.enrolment.sealed! }
    const secret = await harness.vault.open(sealed)
    const code = (at = harness.clock.at) => codeOf(secret, at)
    const confirmed = await harness.enrolments.confirmTotp({ subject: who, code: code() })
    expect(confirmed.status).toBe('confirmed')
    return { enrolmentId: begun.enrolment.id, code }
  }

  describe('enforcement', () => {
    it('lets people in for the days of grace, then to enrol and nothing else', async () => {
      const login = strict()
      const graceUntil = harness.clock.at + week
      expect(await login.attempt(user)).toMatchObject({ status: 'signed_in', graceUntil })
      harness.clock.at += 5 * day
      expect(await login.attempt(user)).toMatchObject({ status: 'signed_in', graceUntil })
      harness.clock.at = graceUntil
      expect(await mustEnrol(login)).toMatchObject({ kind: 'enrolling', provedAt: null })
    })

    it('goes on from the first day when a factor is lost', async () => {
      const login = strict()
      const phone = await harness.addPhone(user)
      await login.begin(user)
      harness.clock.at += week
      await harness.enrolments.revoke({ subject: user, enrolmentId: phone.enrolment.id })
      await mustEnrol(login)
    })

    it('starts again for those who fell under no rule meanwhile', async () => {
      await strict().attempt(user)
      harness.clock.at += week
      await createLogin(harness).open(user)
      const graceUntil = harness.clock.at + week
      expect(await strict().attempt(user)).toMatchObject({ status: 'signed_in', graceUntil })
    })

    it('is not got around by a policy that asks for nothing', async () => {
      const policies = parseGatePolicies({ policies: [{ name: 'open', action: 'allow' }] })
      await mustEnrol(strict({ ...atOnce, policies }))
    })

    it('may be a policy of its own: who has too few factors never gets in by the password', async () => {
      const rule = { name: 'two', action: 'chain', chain: chainOf(['totp', 'totp']), too_few: 'enrol' }
      const policies = parseGatePolicies({ policies: [rule] })
      const login = createLogin(harness, { policies, enforcement: defaultEnforcement })
      await mustEnrol(login)
      await harness.addPhone(user)
      await mustEnrol(login)
    })

    it('takes neither backup codes nor the password for a factor', async () => {
      await harness.enrolments.regenerateBackupCodes(user)
      const policies = parseGatePolicies({ policies: [{ name: 'open', action: 'allow' }] })
      await mustEnrol(strict({ ...atOnce, policies }))
    })
  })

  describe('after enrolling', () => {
    const goOn = (login: Login, session: Session, enrolmentId: string) =>
      login.signIn.afterEnrolment({ session, enrolmentId, ...home })

    it('the sign-in goes on to a full session, once', async () => {
      const login = strict(atOnce)
      const session = await mustEnrol(login)
      const { enrolmentId } = await enrol()
      const outcome = await goOn(login, session, enrolmentId)
      const opened = { kind: 'full', provedAt: harness.clock.at, factors: ['password', 'totp'] }
      expect(outcome).toMatchObject({ status: 'signed_in', session: opened })
      expect(await login.sessions.find(session.id)).toBe(null)
      expect(await goOn(login, session, enrolmentId)).toEqual({ status: 'refused' })
      expect(await harness.ledgerTypes(user)).toContain('attempt.completed')
    })

    it('many at once open one session', async () => {
      const login = strict(atOnce)
      const session = await mustEnrol(login)
      const { enrolmentId } = await enrol()
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => goOn(login, session, enrolmentId)))
      expect(outcomes.filter(({ status }) => status === 'signed_in')).toHaveLength(1)
      expect(await login.sessions.list(user.id)).toHaveLength(1)
    })

    it('a chain of two steps is walked as a whole', async () => {
      const rule = { name: 'two', action: 'chain', chain: chainOf(['totp', 'totp']), too_few: 'enrol' }
      const login = createLogin(harness, { policies: parseGatePolicies({ policies: [rule] }) })
      await harness.addPhone(user)
      const session = await mustEnrol(login)
      const { enrolmentId } = await enrol()
      expect(await goOn(login, session, enrolmentId)).toMatchObject({
        status: 'mfa',
        attempt: { cursor: 0 },
      })
      expect(await login.sessions.list(user.id)).toEqual([])
    })

    it('nothing counts but a factor that was confirmed in that very session', async () => {
      const login = strict(atOnce)
      const stranger = await login.addUser()
      const session = await mustEnrol(login)
      const foreign = await enrol(stranger)
      const about = { subject: user, issuer: 'Test', account: 'a', name: 'Phone' }
      const pending = await harness.enrolments.beginTotp(about)
      const password = await harness.store.read((tx) =>
        tx.enrolments.listBySubject(user.id, { factor: 'password' }),
      )
      for (const id of [foreign.enrolmentId, pending.enrolment.id, password[0]!.id, 'none']) {
        expect(await goOn(login, session, id)).toEqual({ status: 'refused' })
      }
      const older = await harness.addPhone(user)
      harness.clock.at += 1
      const later = await harness.store.transaction((tx) =>
        login.sessions.open(tx, {
          ...{ subject: user, kind: 'enrolling', factors: ['password'], proved: false, ...home },
        }),
      )
      expect(await goOn(login, later.session, older.enrolment.id)).toEqual({ status: 'refused' })
    })
  })

  describe('stepping up', () => {
    it('gives its own session fresh proof, and opens none', async () => {
      const login = createLogin(harness)
      const [mine, other] = [await login.open(user), await login.open(user)]
      const phone = await harness.addPhone(user)
      const begun = await login.signIn.stepUp(mine.session)
      expect(begun).toMatchObject({ status: 'mfa', methods: ['totp'] })
      if (begun.status !== 'mfa') return
      const outcome = await login.verify(begun.attempt.id, phone.code())
      const proved = { id: mine.session.id, provedAt: harness.clock.at, factors: ['password', 'totp'] }
      expect(outcome).toMatchObject({ grant: { status: 'proved', session: proved } })
      expect(await login.sessions.list(user.id)).toHaveLength(2)
      expect((await login.sessions.find(other.session.id))?.session.provedAt).toBe(null)
    })

    it('proves nothing for a session that ended meanwhile', async () => {
      const login = createLogin(harness)
      const { session } = await login.open(user)
      const phone = await harness.addPhone(user)
      const begun = await login.signIn.stepUp(session)
      await harness.store.transaction((tx) => tx.sessions.revoke(session.id, harness.clock.at))
      if (begun.status !== 'mfa') throw new Error(begun.status)
      const outcome = await login.verify(begun.attempt.id, phone.code())
      expect(outcome).toMatchObject({ status: 'complete', grant: { status: 'refused' } })
      expect(await login.signIn.stepUp(session)).toEqual({ status: 'refused' })
    })

    it('is of no use without a factor', async () => {
      const login = createLogin(harness)
      const { session } = await login.open(user)
      expect(await login.signIn.stepUp(session)).toEqual({ status: 'nothing_enrolled' })
    })

    it('is no way to sign in: another gate’s attempt, or one for another purpose, opens nothing', async () => {
      const login = createLogin(harness)
      const phone = await harness.addPhone(user)
      const policies = parseGatePolicies(chainOf(['totp']))
      for (const [gate, purpose] of [
        ['service', 'sign-in'],
        ['login', 'disable'],
        ['login', 'step-up'],
      ] as const) {
        const begun = await harness.attempts.start({ gate, purpose, subject: user, policies })
        if (begun.status !== 'pending') throw new Error(begun.status)
        harness.clock.at += 30_000
        const outcome = await login.verify(begun.attempt.id, phone.code())
        expect(outcome).toMatchObject({ status: 'complete', grant: { status: 'refused' } })
      }
      expect(await login.sessions.list(user.id)).toEqual([])
    })
  })
})
