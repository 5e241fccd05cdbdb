import { parseGatePolicies, type Subject } from '@sallyport/core'
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

describe.each(databases)('a proof in one go on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let subject: Subject
  let phone: Phone
  let commits = 0

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({
      location: place.location,
      intercept: ({ store, vault }) => ({
        vault,
        store: {
          ...store,
          transaction: (work) => {
            commits++
            return store.transaction(work)
          },
        },
      }),
    })
  }, 120_000)

  afterAll(async () => {
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    subject = await harness.addSubject()
    phone = await harness.addPhone(subject)
    commits = 0
  })

  const prove = (input: unknown, more: object = {}, policy: object = oneStep) =>
    harness.attempts.prove({
      ...{ gate: 'service', purpose: 'verify', subject, policies: parseGatePolicies(policy), input },
      ...more,
    })

  it('is complete with the right code, once, in two commits', async () => {
    const proof = await prove(phone.code())
    expect(proof).toMatchObject({ status: 'complete', attempt: { status: 'complete', purpose: 'verify' } })
    expect(commits).toBe(2)
    expect(await prove(phone.code())).toMatchObject({ status: 'rejected', attemptsLeft: 4 })
    const types = [
      'attempt.started',
      'attempt.step_passed',
      'attempt.completed',
      'attempt.started',
      'attempt.step_failed',
    ]
    expect(await harness.ledgerTypes(subject)).toEqual(types)
  })

  it('makes the grant in the commit that completes it', async () => {
    const grant = (tx: Parameters<Parameters<Harness['store']['transaction']>[0]>[0]) =>
      tx.subjects.update(subject.id, { role: 'granted' })
    expect(await prove(wrongCode(phone, epoch), { grant })).toMatchObject({ status: 'rejected' })
    const failing = { grant: () => Promise.reject(new Error('no grant')) }
    await expect(prove(phone.code(), failing)).rejects.toThrow('no grant')
    expect((await harness.guesses(subject))?.recent).toHaveLength(2)
    expect(await prove(phone.code(), { grant })).toMatchObject({ status: 'complete', grant: true })
    expect(commits).toBe(6)
  })

  it('shares the budget of every other attempt, and begins none for a subject that is locked', async () => {
    for (const left of [4, 3]) {
      const outcome = await harness.verifyOnce(subject, wrongCode(phone, epoch))
      expect(outcome).toMatchObject({ status: 'rejected', attemptsLeft: left })
    }
    const proofs = []
    for (let n = 0; n < 3; n++) proofs.push((await prove(wrongCode(phone, epoch))).status)
    expect(proofs).toEqual(['rejected', 'rejected', 'rejected'])
    const before = await harness.ledgerTypes(subject)
    expect(before.slice(-3)).toEqual(['attempt.started', 'subject.locked', 'attempt.step_failed'])
    commits = 0
    expect(await prove(phone.code())).toEqual({ status: 'locked', until: epoch + minute })
    expect(commits).toBe(1)
    expect(await harness.ledgerTypes(subject)).toEqual(before)
    expect(await harness.store.transaction((tx) => tx.attempts.refuseAll(subject.id))).toBe(4)
  })

  it('accepts one of many at once', async () => {
    const proofs = await Promise.all(Array.from({ length: 64 }, () => prove(phone.code())))
    expect(proofs.filter(({ status }) => status === 'complete')).toHaveLength(1)
  })

  it('restricts itself to the method named, and judges no chain of several steps by one code', async () => {
    expect(await prove(phone.code(), { method: 'backup' })).toMatchObject({ status: 'rejected' })
    await harness.addPhone(subject)
    expect(await prove(phone.code(), {}, chainOf(['totp', 'totp']))).toMatchObject({ status: 'advanced' })
  })

  it('answers as the policies do for those with nothing to prove with', async () => {
    subject = await harness.addSubject()
    expect(await prove('123456')).toEqual({ status: 'denied', rule: 'default' })
    expect(await harness.ledgerTypes(subject)).toEqual(['attempt.denied'])
    expect((await harness.guesses(subject)) ?? { recent: [] }).toMatchObject({ recent: [] })
  })
})
