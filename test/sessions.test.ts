import type { Subject } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { epoch, type Harness, openHarness } from './support/harness.ts'
import { createLogin, home, type Login } from './support/login.ts'

const minute = 60_000
const day = 24 * 60 * minute

describe.each(databases)('sessions on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let login: Login
  let user: Subject

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
    login = createLogin(harness)
  }, 120_000)

  afterAll(async () => {
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    user = await login.addUser()
  })

  const openOne = (more: object = {}) =>
    harness.store.transaction((tx) =>
      login.sessions.open(tx, {
        ...{ subject: user, kind: 'full', factors: ['password', 'totp'], proved: true, ...home },
        ...more,
      } as never),
    )

  describe('refresh', () => {
    it('goes on with the next token, and the next', async () => {
      const { session, refreshToken } = await openOne()
      let token = refreshToken!
      for (let round = 0; round < 3; round++) {
        const outcome = await login.sessions.refresh(token)
        expect(outcome).toMatchObject({ status: 'refreshed', session: { id: session.id }, subject: user })
        if (outcome.status === 'refreshed') token = outcome.refreshToken
      }
      expect(token).toMatch(/^spr_[\w-]{43}$/)
    })

    it('ends the session when a token comes a second time', async () => {
      const { session, refreshToken } = await openOne()
      const first = await login.sessions.refresh(refreshToken!)
      expect(await login.sessions.refresh(refreshToken!)).toEqual({ status: 'reused', sessionId: session.id })
      expect(await login.sessions.find(session.id)).toBe(null)
      const next = (first as { refreshToken: string }).refreshToken
      expect(await login.sessions.refresh(next)).toEqual({ status: 'refused', reason: 'revoked' })
      expect(await harness.ledgerTypes(user)).toContain('session.refresh_reused')
    })

    it('lets one of many parallel callers win, and takes the others for thieves', async () => {
      const { session, refreshToken } = await openOne()
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => login.sessions.refresh(refreshToken!)),
      )
      const statuses = outcomes.map(({ status }) => status)
      expect(statuses.filter((status) => status === 'refreshed')).toHaveLength(1)
      expect(statuses.filter((status) => status === 'reused')).toHaveLength(1)
      expect(statuses.filter((status) => status === 'refused')).toHaveLength(6)
      expect(await login.sessions.find(session.id)).toBe(null)
    })

    it('knows no other token', async () => {
      const { session, refreshToken } = await openOne()
      const unknown = { status: 'refused', reason: 'unknown' }
      for (const token of [
        '',
        session.id,
        refreshToken!.toLowerCase(),
        `${refreshToken} `,
        'x'.repeat(1 << 20),
      ]) {
        expect(await login.sessions.refresh(token)).toEqual(unknown)
      }
    })

    it('ends with the session, however often it was refreshed', async () => {
      const { refreshToken } = await openOne()
      harness.clock.at = epoch + 29 * day
      const outcome = await login.sessions.refresh(refreshToken!)
      harness.clock.at = epoch + 30 * day
      const expired = { status: 'refused', reason: 'expired' }
      expect(await login.sessions.refresh((outcome as { refreshToken: string }).refreshToken)).toEqual(
        expired,
      )
    })

    it('takes a used token for a stolen one even when it has expired', async () => {
      const { refreshToken } = await openOne()
      await login.sessions.refresh(refreshToken!)
      harness.clock.at = epoch + 30 * day
      expect(await login.sessions.refresh(refreshToken!)).toMatchObject({ status: 'reused' })
    })

    it('is refused when the subject is disabled', async () => {
      const { refreshToken } = await openOne()
      await login.disable(user)
      expect(await login.sessions.refresh(refreshToken!)).toEqual({ status: 'refused', reason: 'revoked' })
    })

    it('is not for a session that may only enrol', async () => {
      expect(await openOne({ kind: 'enrolling' })).toMatchObject({ refreshToken: null })
    })
  })

  describe('a session', () => {
    it('is in force until it expires, is revoked, or its subject is disabled', async () => {
      const { session } = await openOne()
      expect(await login.sessions.find(session.id)).toEqual({ session, subject: user })
      harness.clock.at = epoch + 30 * day
      expect(await login.sessions.find(session.id)).toBe(null)
      harness.clock.at = epoch
      await login.disable(user)
      expect(await login.sessions.find(session.id)).toBe(null)
      expect(await login.sessions.find('../session')).toBe(null)
    })

    it('that may only enrol lasts an hour', async () => {
      const { session } = await openOne({ kind: 'enrolling' })
      harness.clock.at = epoch + 60 * minute
      expect(await login.sessions.find(session.id)).toBe(null)
    })

    it('from the future is not in force: the clock was set back', async () => {
      const { session, refreshToken } = await openOne()
      harness.clock.at = epoch - 2 * minute
      expect(await login.sessions.find(session.id)).toBe(null)
      expect(await login.sessions.refresh(refreshToken!)).toEqual({ status: 'refused', reason: 'expired' })
    })

    it('keeps the agent in bounds and each kind of factor once', async () => {
      const userAgent = 'x'.repeat(1 << 16)
      const { session } = await openOne({ userAgent, factors: ['password', 'totp', 'totp'] })
      expect(session.userAgent).toHaveLength(256)
      expect(session.factors).toEqual(['password', 'totp'])
    })

    it('cannot be ended by another subject', async () => {
      const { session } = await openOne()
      const stranger = await login.addUser()
      const foreign = { id: session.id, subjectId: stranger.id, actor: null }
      expect(await login.sessions.revoke(foreign)).toBe(false)
      expect(await login.sessions.find(session.id)).not.toBe(null)
      expect(await login.sessions.revoke({ ...foreign, subjectId: user.id })).toBe(true)
      expect(await login.sessions.revoke({ ...foreign, subjectId: user.id })).toBe(false)
    })

    it('is listed to its subject alone, the newest first', async () => {
      const first = await openOne()
      harness.clock.at += minute
      const second = await openOne()
      const ids = (await login.sessions.list(user.id)).map(({ id }) => id)
      expect(ids).toEqual([second.session.id, first.session.id])
      expect(await login.sessions.list((await login.addUser()).id)).toEqual([])
    })

    it('goes with all others when a person signs out everywhere, but for the one named', async () => {
      const [kept, lost] = [await openOne(), await openOne()]
      const ending = { subjectId: user.id, except: kept.session.id, actor: null, reason: 'everywhere' }
      expect(await login.sessions.revokeAll(ending)).toEqual([lost.session.id])
      expect(await login.sessions.find(kept.session.id)).not.toBe(null)
      expect(await login.sessions.refresh(lost.refreshToken!)).toMatchObject({ reason: 'revoked' })
    })
  })

  describe('fresh proof', () => {
    it('lasts five minutes, and none is seen in a time to come', async () => {
      const { session } = await openOne()
      expect(login.sessions.isFresh(session)).toBe(true)
      harness.clock.at = epoch + 5 * minute
      expect(login.sessions.isFresh(session)).toBe(false)
      harness.clock.at = epoch - 2 * minute
      expect(login.sessions.isFresh(session)).toBe(false)
      expect(login.sessions.isFresh({ ...session, provedAt: null })).toBe(false)
    })

    it('is recorded for a session in force alone', async () => {
      const { session } = await openOne({ factors: ['password'], proved: false })
      const prove = () => harness.store.transaction((tx) => login.sessions.prove(tx, session.id, ['totp']))
      expect(await prove()).toMatchObject({ provedAt: epoch, factors: ['password', 'totp'] })
      expect((await login.sessions.find(session.id))?.session).toMatchObject({ provedAt: epoch })
      await login.sessions.revoke({ id: session.id, subjectId: user.id, actor: null })
      expect(await prove()).toBe(null)
    })
  })
})
