import { setTimeout as sleep } from 'node:timers/promises'
import { type Store, type Subject, systemRandom } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import {
  chainOf,
  epoch,
  type Harness,
  oneStep,
  openHarness,
  type Phone,
  wrongCode,
} from './support/harness.ts'

const minute = 60_000
const step = 30_000

/** Lets something happen after each look at an attempt. */
function meanwhile(store: Store, happen: () => Promise<void>): Store['transaction'] {
  return (work) =>
    store.transaction((tx) => {
      async function find(id: string) {
        const found = await tx.attempts.find(id)
        await happen()
        return found
      }
      return work({ ...tx, attempts: { ...tx.attempts, find } })
    })
}

describe.each(databases)('attempts on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let subject: Subject
  let phone: Phone

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
  }, 120_000)

  afterAll(async () => {
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    subject = await harness.addSubject()
    phone = await harness.addPhone(subject)
  })

  const start = (who: Subject, policies: unknown) =>
    harness.attempts.start({
      gate: 'login',
      purpose: 'sign-in',
      subject: who,
      policies: policies as never,
    })

  const verify = (attemptId: string, input: unknown, more: object = {}) =>
    harness.attempts.verify({ attemptId, input, ...more })

  const rejected = (attemptsLeft: number, reset = false) => ({ status: 'rejected', reset, attemptsLeft })

  describe('start', () => {
    const rule = (action: 'allow' | 'deny') => ({
      rules: [{ name: 'all', when: [], action }],
      otherwise: 'deny',
    })

    it('allows and denies as the policy says, and records it', async () => {
      expect(await start(subject, rule('allow'))).toEqual({ status: 'allowed', rule: 'all' })
      expect(await start(subject, rule('deny'))).toEqual({ status: 'denied', rule: 'all' })
      expect(await start(subject, { rules: [], otherwise: 'deny' })).toMatchObject({ status: 'denied' })
      const types = await harness.ledgerTypes(subject)
      expect(types).toEqual(['attempt.allowed', 'attempt.denied', 'attempt.denied'])
    })

    it('sends those with too few factors to enrol, or away', async () => {
      const bare = await harness.addSubject()
      const policy = (tooFew: 'deny' | 'enrol') => ({
        rules: [{ name: 'all', when: [], action: 'chain', chain: chainPolicy, tooFew }],
        otherwise: 'deny',
      })
      const chainPolicy = { ...chainOf(['totp']), onFailure: 'reset', onBreach: 'refuse' }
      expect(await start(bare, policy('enrol'))).toEqual({ status: 'must_enrol', rule: 'all' })
      expect(await start(bare, policy('deny'))).toEqual({ status: 'denied', rule: 'all' })
      expect(await start(subject, policy('deny'))).toMatchObject({ status: 'pending' })
      expect(await harness.ledgerTypes(bare)).toEqual(['attempt.must_enrol', 'attempt.denied'])
    })

    it('counts neither pending nor revoked enrolments', async () => {
      await harness.enrolments.revoke({ subject, enrolmentId: phone.enrolment.id })
      await harness.enrolments.beginTotp({ subject, issuer: 'Test', account: 'a', name: 'New' })
      await expect(harness.begin(subject)).rejects.toThrow('denied')
    })
  })

  describe('one step', () => {
    it('is complete with the right code, once', async () => {
      const { id } = await harness.begin(subject)
      const outcome = await verify(id, phone.code())
      expect(outcome).toMatchObject({ status: 'complete', attempt: { id, status: 'complete', revision: 1 } })
      expect(await verify(id, phone.code(epoch + step))).toEqual({ status: 'gone', reason: 'finished' })
      expect(await harness.attempts.find(id)).toBe(null)
      expect(await harness.attempts.refuse(id)).toBe(false)
      const types = ['attempt.started', 'attempt.step_passed', 'attempt.completed']
      expect(await harness.ledgerTypes(subject)).toEqual(types)
    })

    it('knows no attempt by another id', async () => {
      const { id } = await harness.begin(subject)
      for (const other of ['', `${id} `, id.toLowerCase(), 'x'.repeat(1 << 20)]) {
        expect(await verify(other, phone.code())).toEqual({ status: 'gone', reason: 'unknown' })
      }
      expect(await harness.guesses(subject)).toBe(null)
    })

    it('accepts a code on no other attempt, and nothing older than it', async () => {
      expect(await harness.verifyOnce(subject, phone.code())).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, phone.code())).toMatchObject(rejected(4))
      expect(await harness.verifyOnce(subject, phone.code(epoch - step))).toMatchObject(rejected(3))
      expect(await harness.verifyOnce(subject, phone.code(epoch + step))).toMatchObject({
        status: 'complete',
      })
      const failed = (await harness.ledgerOf(subject)).filter(({ type }) => type === 'attempt.step_failed')
      expect(failed.map(({ data }) => data?.reason)).toEqual(['replayed', 'replayed'])
    })

    it.each([
      ['an hour back', -60 * minute],
      ['an hour ahead', 60 * minute],
      ['forty days ahead', 40 * 24 * 60 * minute],
    ])('accepts no code again after the clock was set %s', async (_, change) => {
      harness.clock.at = epoch + change
      const code = phone.code()
      expect(await harness.verifyOnce(subject, code)).toMatchObject({ status: 'complete' })
      harness.clock.at = epoch
      expect(await harness.verifyOnce(subject, phone.code())).toMatchObject({
        status: change < 0 ? 'complete' : 'rejected',
      })
      harness.clock.at = epoch + change
      expect(await harness.verifyOnce(subject, code)).toMatchObject({ status: 'rejected' })
    })

    it('accepts one code once, though its secret is enrolled twice and by two subjects', async () => {
      const secret = systemRandom.bytes(20)
      const other = await harness.addSubject()
      const first = await harness.addPhone(subject, secret)
      await harness.addPhone(subject, secret)
      await harness.addPhone(other, secret)
      expect(await harness.verifyOnce(subject, first.code())).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, first.code())).toMatchObject({ status: 'rejected' })
      expect(await harness.verifyOnce(other, first.code())).toMatchObject({ status: 'rejected' })
    })

    it("accepts no other subject's codes", async () => {
      const other = await harness.addSubject()
      await harness.addPhone(other)
      const [backup] = await harness.enrolments.regenerateBackupCodes(subject)
      expect(await harness.verifyOnce(other, phone.code())).toMatchObject(rejected(4))
      expect(await harness.verifyOnce(other, backup)).toMatchObject(rejected(3))
      expect(await harness.verifyOnce(subject, phone.code())).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, backup)).toMatchObject({ status: 'complete' })
    })

    it.each<[string, unknown]>([
      ['a short code', '12345'],
      ['a padded code', ' 123456'],
      ['full-width digits', '１２３４５６'],
      ['a line feed', '123456\n'],
      ['nothing', ''],
      ['undefined', undefined],
      ['null', null],
      ['a number', 123456],
      ['an object', { toString: () => '123456' }],
      ['an array', ['123456']],
      ['a megabyte of digits', '1'.repeat(1 << 20)],
      ['NUL', '12345\0'],
    ])('counts %s as a wrong guess', async (_, input) => {
      const { id } = await harness.begin(subject)
      expect(await verify(id, input)).toMatchObject(rejected(4))
      expect((await harness.guesses(subject))?.inRow).toBe(1)
      expect(await verify(id, phone.code())).toMatchObject({ status: 'complete' })
    })

    it('takes any of the kinds, or only the one that is named', async () => {
      const [first, second] = await harness.enrolments.regenerateBackupCodes(subject)
      const { id } = await harness.begin(subject)
      expect(await verify(id, phone.code(), { method: 'backup' })).toMatchObject(rejected(4))
      expect(await verify(id, first, { method: 'totp' })).toMatchObject(rejected(3))
      expect(await verify(id, first, { method: 'email' })).toMatchObject(rejected(2))
      expect(await verify(id, first, { method: 'backup' })).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, second)).toMatchObject({ status: 'complete' })
      expect(await harness.verifyOnce(subject, phone.code())).toMatchObject({ status: 'complete' })
      const totpOnly = chainOf(['totp'])
      const [third] = await harness.enrolments.regenerateBackupCodes(subject)
      expect(await harness.verifyOnce(subject, third, totpOnly)).toMatchObject({ status: 'rejected' })
      expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(10)
    })

    it('accepts nothing of an enrolment that was revoked since the start', async () => {
      const { id } = await harness.begin(subject)
      await harness.enrolments.revoke({ subject, enrolmentId: phone.enrolment.id })
      expect(await verify(id, phone.code())).toMatchObject(rejected(4))
    })

    it('lives five minutes', async () => {
      const { id } = await harness.begin(subject)
      harness.clock.at = epoch + 5 * minute - 1
      expect(await verify(id, 'wrong')).toMatchObject(rejected(4))
      harness.clock.at = epoch + 5 * minute
      expect(await verify(id, phone.code())).toEqual({ status: 'gone', reason: 'expired' })
      expect(await harness.attempts.find(id)).toBe(null)
      expect((await harness.guesses(subject))?.inRow).toBe(1)
    })

    it('does not outlive a clock that was set back', async () => {
      const { id } = await harness.begin(subject)
      harness.clock.at = epoch - minute - 1
      expect(await verify(id, phone.code())).toEqual({ status: 'gone', reason: 'expired' })
      // As far as the clocks of two nodes may differ.
      harness.clock.at = epoch - minute
      expect(await verify(id, phone.code())).toMatchObject({ status: 'complete' })
    })

    it('ends when it is refused', async () => {
      const { id } = await harness.begin(subject)
      expect(await harness.attempts.refuse(id)).toBe(true)
      expect(await harness.attempts.refuse(id)).toBe(false)
      expect(await verify(id, phone.code())).toEqual({ status: 'gone', reason: 'finished' })
      expect(await harness.ledgerTypes(subject)).toEqual(['attempt.started', 'attempt.refused'])
    })

    it('ends when it is refused, though a step resets it at that very moment', async () => {
      await harness.addPhone(subject)
      const { id } = await harness.begin(subject, chainOf(['totp', 'totp']))
      // After the attempt was looked at: as much of the step as the database lets through.
      let step: Promise<unknown> | undefined
      const { attempts } = await openHarness({
        location: harness.store,
        intercept: ({ store, vault }) => ({
          vault,
          store: { ...store, transaction: meanwhile(store, reset) },
        }),
      })
      async function reset() {
        step ??= verify(id, wrongCode(phone, epoch))
        await Promise.race([step, sleep(300)])
      }
      expect(await attempts.refuse(id)).toBe(true)
      await step
      expect(await harness.attempts.find(id)).toBe(null)
    })
  })

  it('leaves a clean ledger', async () => {
    expect(await harness.verifyOnce(subject, phone.code(), oneStep)).toMatchObject({ status: 'complete' })
    const report = await harness.verifyLedger()
    expect(report).toMatchObject({ status: 'clean', firstBad: null })
    expect(report.entries).toBeGreaterThan(100)
  })
})
