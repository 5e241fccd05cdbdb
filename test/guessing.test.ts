import { defaultGuessLimits, findSubject, type Subject } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, epoch, type Harness, openHarness, type Phone, wrongCode } from './support/harness.ts'

const minute = 60_000
const day = 24 * 60 * minute

describe.each(databases)('the budget for guesses on $database', ({ open }) => {
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

  const wrong = () => harness.verifyOnce(subject, wrongCode(phone, harness.clock.at))
  const right = () => harness.verifyOnce(subject, phone.code())

  async function times(count: number, guess: () => Promise<unknown>): Promise<void> {
    for (let made = 0; made < count; made++) await guess()
  }

  it('locks at the fifth wrong guess, and then judges not even a right one', async () => {
    const { id: attemptId } = await harness.begin(subject)
    const guess = (input: string) => harness.attempts.verify({ attemptId, input })
    for (const attemptsLeft of [4, 3, 2, 1]) {
      expect(await guess('000000x')).toMatchObject({ status: 'rejected', attemptsLeft })
    }
    // Judged like the others, and wrong: the one too many also says until when the next is refused.
    expect(await guess('000000x')).toMatchObject({
      status: 'rejected',
      attemptsLeft: 0,
      lockedUntil: epoch + minute,
    })
    expect(await guess(phone.code())).toEqual({ status: 'locked', until: epoch + minute })
    expect(await right()).toEqual({ status: 'locked', until: epoch + minute })
    expect(await harness.ledgerTypes(subject)).toContain('subject.locked')
    harness.clock.at = epoch + minute - 1
    expect(await right()).toMatchObject({ status: 'locked' })
    harness.clock.at = epoch + minute
    expect(await guess(phone.code())).toEqual({ status: 'gone', reason: 'finished' })
    expect(await right()).toMatchObject({ status: 'complete' })
  })

  it('is one for all attempts, methods and names of a subject', async () => {
    const [backup] = await harness.enrolments.regenerateBackupCodes(subject)
    const other = await harness.addSubject()
    const theirs = await harness.addPhone(other)
    await wrong()
    const named = await findSubject(harness.store, subject.application, ` ${subject.ref.toUpperCase()}`)
    await harness.verifyOnce(named!, 'AAAA-AAAA')
    await harness.verifyOnce(subject, wrongCode(phone, epoch), chainOf(['totp', 'backup']))
    await harness.verifyOnce(subject, 'AAAA-AAAA', chainOf(['backup']))
    expect(await wrong()).toMatchObject({ status: 'rejected', attemptsLeft: 0 })
    expect(await harness.verifyOnce(subject, backup)).toMatchObject({ status: 'locked' })
    expect(await harness.enrolments.backupCodesLeft(subject.id)).toBe(10)
    // Nobody else pays for it.
    expect(await harness.verifyOnce(other, theirs.code())).toMatchObject({ status: 'complete' })
  })

  it('locks for longer each time', async () => {
    const lengths: number[] = []
    for (let lock = 0; lock < 5; lock++) {
      await times(5, wrong)
      const { lockedUntil } = (await harness.guesses(subject))!
      lengths.push((lockedUntil! - harness.clock.at) / minute)
      harness.clock.at = lockedUntil!
    }
    expect(lengths).toEqual([1, 5, 15, 60, 60])
  })

  it('lifts the lock again when the fifth guess is right, and says so in the ledger', async () => {
    await times(4, wrong)
    expect(await right()).toMatchObject({ status: 'complete' })
    expect(await harness.guesses(subject)).toMatchObject({ lockedUntil: null, inRow: 0, locks: 0 })
    const types = await harness.ledgerTypes(subject)
    expect(types.filter((type) => type.startsWith('subject.'))).toEqual([
      'subject.locked',
      'subject.unlocked',
    ])
  })

  it('breaks the row with a success, but forgives no guess of the last minute', async () => {
    await times(3, wrong)
    expect(await right()).toMatchObject({ status: 'complete' })
    expect(await harness.guesses(subject)).toMatchObject({ recent: [epoch, epoch, epoch], inRow: 0 })
    expect(await wrong()).toMatchObject({ status: 'rejected', attemptsLeft: 1 })
    expect(await wrong()).toMatchObject({ status: 'rejected', attemptsLeft: 0 })
    expect(await wrong()).toMatchObject({ status: 'locked' })
  })

  it('refunds a right step, but breaks the row only when the chain is complete', async () => {
    await harness.addPhone(subject)
    await times(2, wrong)
    const attempt = await harness.begin(subject, chainOf(['totp', 'totp']))
    const step = await harness.attempts.verify({ attemptId: attempt.id, input: phone.code() })
    expect(step).toMatchObject({ status: 'advanced' })
    expect(await harness.guesses(subject)).toMatchObject({ recent: [epoch, epoch], inRow: 2 })
  })

  it('counts in all requests at once no more than one after another', async () => {
    const attempts = await Promise.all(Array.from({ length: 20 }, () => harness.begin(subject)))
    const wrongs = attempts.map(({ id }) =>
      harness.attempts.verify({ attemptId: id, input: wrongCode(phone, epoch) }),
    )
    const tally = Object.groupBy(await Promise.all(wrongs), ({ status }) => status)
    expect(tally.rejected).toHaveLength(5)
    expect(tally.locked).toHaveLength(15)
    expect(await harness.guesses(subject)).toMatchObject({ inRow: 5, locks: 1 })
  })

  it('forgives nothing when the clock is set back, and locks no longer than a lock', async () => {
    await times(4, wrong)
    harness.clock.at = epoch - day
    expect(await wrong()).toMatchObject({ status: 'rejected', lockedUntil: epoch - day + minute })
    harness.clock.at = epoch - 2 * day
    expect(await right()).toMatchObject({ status: 'locked', until: epoch - 2 * day + 60 * minute })
    harness.clock.at += 60 * minute
    expect(await right()).toMatchObject({ status: 'complete' })
  })

  describe('after a hundred wrong guesses in a row', () => {
    let backup: string[]

    beforeEach(async () => {
      backup = await harness.enrolments.regenerateBackupCodes(subject)
      for (let lock = 0; lock < 20; lock++) {
        await times(5, wrong)
        harness.clock.at = (await harness.guesses(subject))!.lockedUntil!
      }
      harness.clock.at += 365 * day
    })

    it('takes no more codes, even right ones, but a backup code ends that', async () => {
      expect((await harness.guesses(subject))?.inRow).toBe(defaultGuessLimits.ceiling)
      expect(await right()).toEqual({ status: 'locked', until: null })
      expect(await harness.verifyOnce(subject, 'AAAA-AAAA')).toMatchObject({ status: 'rejected' })
      expect(await right()).toEqual({ status: 'locked', until: null })
      expect(await harness.verifyOnce(subject, backup[0])).toMatchObject({ status: 'complete' })
      expect((await harness.guesses(subject))?.inRow).toBe(0)
      expect(await right()).toMatchObject({ status: 'complete' })
    })

    it('lets a backup code as the first of two steps end it, so that the second can be passed', async () => {
      const { id: attemptId } = await harness.begin(subject, chainOf(['backup', 'totp']))
      const step = (input: string) => harness.attempts.verify({ attemptId, input })
      expect(await step(backup[0]!)).toMatchObject({ status: 'advanced' })
      expect(await step(phone.code())).toMatchObject({ status: 'complete' })
    })
  })

  it('leaves a clean ledger', async () => {
    expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
  })
})
