import { type Factor, MfaChainBreached, type Subject } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import {
  chainOf,
  epoch,
  type Harness,
  type HarnessOptions,
  openHarness,
  type Phone,
  wrongCode,
} from './support/harness.ts'

/** Stands for a signature: what it is called decides whether it is right. */
const signature: Factor = {
  type: 'webauthn',
  unguessable: true,
  recovery: false,
  wellFormed: (input) => typeof input === 'object' && input !== null && 'signed' in input,
  verify: async ({ input }) => ((input as { signed: boolean }).signed ? { spends: [], detail: {} } : null),
}

describe.each(databases)('chains of several steps on $database', ({ open }) => {
  let place: Place
  let harness: Harness
  let subject: Subject
  let first: Phone
  let second: Phone
  let backup: string

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location, factors: [signature] })
  }, 120_000)

  afterAll(async () => {
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    subject = await harness.addSubject()
    first = await harness.addPhone(subject)
    second = await harness.addPhone(subject)
    backup = (await harness.enrolments.regenerateBackupCodes(subject))[0]!
  })

  const verify = (attemptId: string, input: unknown, more: object = {}) =>
    harness.attempts.verify({ attemptId, input, ...more })

  const eachOnce = (random: object) => ({
    mode: 'random',
    requiredSteps: 2,
    factors: ['totp', 'backup', 'webauthn'].map((type) => ({ id: type, label: type, type })),
    ...random,
  })

  async function addKey(): Promise<void> {
    const enrolment = { ...first.enrolment, id: `key of ${subject.id}`, sealed: null }
    await harness.store.transaction((tx) => tx.enrolments.insert({ ...enrolment, factor: 'webauthn' }))
  }

  it('is complete when each step was passed, in its order', async () => {
    const { id } = await harness.begin(subject, chainOf(['backup', 'totp']))
    expect(await verify(id, first.code())).toMatchObject({ status: 'rejected', reset: true, attemptsLeft: 4 })
    expect(await verify(id, backup)).toMatchObject({ status: 'advanced', attempt: { cursor: 1 } })
    const outcome = await verify(id, first.code())
    const passed = [
      { stepId: 'step1', factor: 'backup' },
      { stepId: 'step2', factor: 'totp', enrolmentId: first.enrolment.id },
    ]
    expect(outcome).toMatchObject({ status: 'complete', attempt: { cursor: 2, passed } })
  })

  it('goes back to the start after a wrong code, and what was passed is used up', async () => {
    const { id } = await harness.begin(subject, chainOf(['backup', 'totp']))
    expect(await verify(id, backup)).toMatchObject({ status: 'advanced' })
    const outcome = await verify(id, wrongCode(first, epoch))
    expect(outcome).toMatchObject({ status: 'rejected', reset: true, attempt: { cursor: 0, passed: [] } })
    expect(await verify(id, backup)).toMatchObject({ status: 'rejected', reset: true })
    expect(await verify(id, first.code())).toMatchObject({ status: 'rejected' })
  })

  it('stays where it is after a wrong code where the policy says retry', async () => {
    const { id } = await harness.begin(subject, chainOf(['backup', 'totp'], { onFailure: 'retry' }))
    expect(await verify(id, wrongCode(first, epoch))).toMatchObject({ status: 'rejected', reset: false })
    expect(await verify(id, backup)).toMatchObject({ status: 'advanced' })
    const outcome = await verify(id, wrongCode(first, epoch))
    expect(outcome).toMatchObject({ status: 'rejected', reset: false, attempt: { cursor: 1 } })
    expect(await verify(id, first.code())).toMatchObject({ status: 'complete' })
  })

  it('draws random chains anew, for each attempt and after each failure', async () => {
    await addKey()
    const { id, chain } = await harness.begin(subject, eachOnce({}))
    const drawn = new Set([chain.map((step) => step.id).join()])
    for (let failure = 0; failure < 60 && drawn.size < 6; failure++) {
      const outcome = await verify(id, { signed: false })
      if (outcome.status !== 'rejected') {
        await harness.store.transaction((tx) => tx.guesses.clear(`subject:${subject.id}`))
        const next = await harness.begin(subject, eachOnce({}))
        drawn.add(next.chain.map((step) => step.id).join())
        continue
      }
      expect(outcome.attempt).toMatchObject({ cursor: 0, passed: [] })
      drawn.add(outcome.attempt.chain.map((step) => step.id).join())
    }
    expect(drawn.size).toBe(6)
  })

  it('lets one authenticator pass one step only', async () => {
    const { id } = await harness.begin(subject, chainOf(['totp', 'totp'], { onFailure: 'retry' }))
    expect(await verify(id, first.code())).toMatchObject({ status: 'advanced' })
    expect(await verify(id, first.code(epoch + 30_000))).toMatchObject({ status: 'rejected' })
    expect(await verify(id, second.code())).toMatchObject({ status: 'complete' })
  })

  it('lets one code pass one step only, though two authenticators share a secret', async () => {
    const sharing = await harness.addSubject()
    const secret = Buffer.alloc(20, subject.id)
    const one = await harness.addPhone(sharing, secret)
    await harness.addPhone(sharing, secret)
    const { id } = await harness.begin(sharing, chainOf(['totp', 'totp'], { onFailure: 'retry' }))
    expect(await verify(id, one.code())).toMatchObject({ status: 'advanced' })
    expect(await verify(id, one.code())).toMatchObject({ status: 'rejected' })
    expect(await verify(id, one.code(epoch - 30_000))).toMatchObject({ status: 'rejected' })
  })

  it('cannot be moved on twice: of two right answers to one step, one overtakes the other', async () => {
    const { id } = await harness.begin(subject, chainOf(['totp', 'totp'], { onFailure: 'retry' }))
    // Both are admitted before either is judged.
    let judging = 0
    const bothAdmitted = Promise.withResolvers<void>()
    const intercept: HarnessOptions['intercept'] = ({ store, vault }) => ({
      store,
      vault: {
        async open(sealed) {
          if (++judging === 2) bothAdmitted.resolve()
          await bothAdmitted.promise
          return vault.open(sealed)
        },
      },
    })
    const { attempts } = await openHarness({ location: harness.store, intercept })
    const codes = [first, second].map((phone) => ({ attemptId: id, input: phone.code() }))
    const outcomes = await Promise.all(codes.map((code) => attempts.verify(code)))
    const overtaken = outcomes.findIndex(({ status }) => status === 'rejected')
    expect(outcomes[1 - overtaken]).toMatchObject({ status: 'advanced' })
    // The answer tells how the attempt now stands; the code was not used up, the guess was.
    expect(outcomes[overtaken]).toMatchObject({ attempt: { cursor: 1 }, reset: false })
    expect((await harness.guesses(subject))?.inRow).toBe(1)
    const failed = (await harness.ledgerOf(subject)).filter(({ type }) => type === 'attempt.step_failed')
    expect(failed.map(({ data }) => data?.reason)).toEqual(['overtaken'])
    expect(await verify(id, codes[overtaken]!.input)).toMatchObject({ status: 'complete' })
  })

  describe('a breach of the order', () => {
    it('is refused, and changes nothing', async () => {
      const { id } = await harness.begin(subject, chainOf(['backup', 'totp']))
      expect(await verify(id, backup, { stepId: 'step1' })).toMatchObject({ status: 'advanced' })
      const breach = verify(id, first.code(), { stepId: 'step1' })
      await expect(breach).rejects.toThrow(MfaChainBreached)
      expect(await harness.attempts.find(id)).toMatchObject({ cursor: 1, revision: 1 })
      expect((await harness.guesses(subject))?.inRow).toBe(0)
      expect(await verify(id, first.code(), { stepId: 'step2' })).toMatchObject({ status: 'complete' })
      expect(await harness.ledgerTypes(subject)).toContain('attempt.breached')
    })

    it('counts and resets where the policy says so', async () => {
      const { id } = await harness.begin(subject, chainOf(['backup', 'totp'], { onBreach: 'reset' }))
      expect(await verify(id, backup)).toMatchObject({ status: 'advanced' })
      const breach = verify(id, first.code(), { stepId: 'step1' })
      await expect(breach).rejects.toMatchObject({ code: 'chain_breached', expectedFactorId: 'step2' })
      expect(await harness.attempts.find(id)).toMatchObject({ cursor: 0, passed: [], revision: 2 })
      expect((await harness.guesses(subject))?.inRow).toBe(1)
      await Promise.allSettled(Array.from({ length: 10 }, () => verify(id, first.code(), { stepId: 'x' })))
      expect(await verify(id, first.code())).toMatchObject({ status: 'locked' })
    })

    it('is none the less a breach with a signature, however right', async () => {
      await addKey()
      for (const onBreach of ['refuse', 'reset']) {
        const { id } = await harness.begin(subject, chainOf(['webauthn', 'totp'], { onBreach }))
        const breach = verify(id, { signed: true }, { stepId: 'step2' })
        await expect(breach, onBreach).rejects.toThrow(MfaChainBreached)
        expect(await harness.attempts.find(id), onBreach).toMatchObject({ cursor: 0, passed: [] })
      }
    })
  })

  describe('a proof that cannot be guessed', () => {
    const either = chainOf([['totp', 'webauthn']])

    it('is admitted past a lock, and costs no guess', async () => {
      await addKey()
      const { id } = await harness.begin(subject, either)
      for (let guess = 0; guess < 6; guess++) await verify(id, wrongCode(first, epoch))
      expect(await verify(id, first.code())).toMatchObject({ status: 'locked' })
      const locked = await harness.guesses(subject)
      expect(await verify(id, { signed: false })).toMatchObject({ status: 'rejected' })
      expect(await harness.guesses(subject)).toEqual(locked)
      expect(await verify(id, { signed: true })).toMatchObject({ status: 'complete' })
    })

    it('gives back no guess that somebody else spent at that very moment', async () => {
      await addKey()
      await harness.verifyOnce(subject, 'wrong', either)
      expect(await harness.verifyOnce(subject, { signed: true }, either)).toMatchObject({
        status: 'complete',
      })
      expect(await harness.guesses(subject)).toMatchObject({ recent: [epoch], inRow: 0 })
    })
  })

  it('leaves a clean ledger', async () => {
    expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
  })
})
