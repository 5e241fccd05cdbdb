import { rotateKeys, type Subject, sealedPorts } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, epoch, type Harness, openHarness, type Phone, wrongCode } from './support/harness.ts'
import { type Nodes, startNodes } from './support/nodes.ts'
import { importKeys, type TestKey, testKey, typed } from './support/yubikey.ts'

const minute = 60_000
const yubikeyStep = chainOf([['yubikey']])
const chain = chainOf(['totp', 'yubikey'])

describe.each(databases)('YubiKeys validated here, on $database', ({ open, processes }) => {
  let place: Place
  let harness: Harness
  let nodes: Nodes
  let subject: Subject
  let key: TestKey
  let keys = 0

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
    nodes = await startNodes({ count: processes, location: place.location })
  }, 120_000)

  afterAll(async () => {
    nodes?.stop()
    await harness?.close()
    await place?.remove()
  })

  beforeEach(async () => {
    harness.clock.at = epoch
    subject = await harness.addSubject()
    const privateId = (++keys).toString(16).padStart(12, '0')
    key = { ...testKey, privateId, publicId: `cccccccccc${privateId.at(-1)!.replace(/./, letterOf)}c` }
    await importKeys(harness, key)
  })

  const enrol = async (otp: unknown, more: object = {}) =>
    harness.yubikeys.enrol({ subject, otp, name: 'Key', asFirst: false, ...more })
  const verify = async (input: unknown) => (await harness.verifyOnce(subject, input, yubikeyStep)).status

  it('accepts what the key types once, in either case, and nothing it typed before', async () => {
    const [first, older, next, later, plugged] = await typed(key, [1, 5], [1, 4], [1, 6], [1, 255], [2, 0])
    expect(await enrol(first)).toMatchObject({ status: 'enrolled', publicId: key.publicId })
    const answers = []
    for (const otp of [first, first!.toUpperCase(), older, next, next, next!.toUpperCase(), plugged, later])
      answers.push(await verify(otp))
    const wrong = 'rejected'
    expect(answers).toEqual([wrong, wrong, wrong, 'complete', wrong, wrong, 'locked', 'locked'])
    harness.clock.at += 2 * minute
    expect([await verify(plugged), await verify(later), await verify(plugged)]).toEqual([
      'complete',
      'rejected',
      'rejected',
    ])
    const [passed] = (await harness.ledgerOf(subject)).filter(({ type }) => type === 'attempt.step_passed')
    expect(passed?.data).toMatchObject({ factor: 'yubikey', usage_counter: 1, session_use: 6 })
    expect((await harness.verifyLedger()).status).toBe('clean')
  })

  it('accepts it on one of many attempts at once, whatever node they come to', async () => {
    const [first, raced] = await typed(key, [1, 0], [7, 1])
    await enrol(first)
    const others = await Promise.all(Array.from({ length: 3 }, () => harness.addSubject()))
    for (const other of others) {
      const [own] = await typed(key, [2 + others.indexOf(other), 0])
      await harness.yubikeys.enrol({ subject: other, otp: own, name: 'Shared', asFirst: true })
    }
    const attempts = await Promise.all(
      [subject, ...others].flatMap((one) => Array.from({ length: 4 }, () => harness.begin(one, yubikeyStep))),
    )
    const tally = await nodes.submit(attempts.map(({ id }) => ({ attemptId: id, input: raced })))
    expect(tally).toEqual({ complete: 1, rejected: attempts.length - 1 })
  })

  it('enrols by one OTP once, though many ask at once', async () => {
    const [first] = await typed(key, [1, 0])
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => enrol(first)))
    expect(outcomes.map(({ status }) => status).sort()).toEqual([
      'enrolled',
      'rejected',
      'rejected',
      'rejected',
    ])
    const [again] = await typed(key, [2, 0])
    expect(await enrol(again)).toEqual({ status: 'already_enrolled' })
    expect(await verify(again)).toBe('rejected')
  })

  it('enrols no second factor for whoever began as the first', async () => {
    const [first] = await typed(key, [1, 0])
    await harness.addPhone(subject)
    expect(await enrol(first, { asFirst: true })).toEqual({ status: 'proof_required' })
  })

  it.each([
    ['another key of the same name', async () => typed({ ...key, aesKey: '00'.repeat(16) }, [9, 9])],
    ['another private id', async () => typed({ ...key, privateId: 'ffffffffffff' }, [9, 9])],
    ['a key that was never imported', async () => typed({ ...key, publicId: 'vvvvvvvvvvvv' }, [9, 9])],
    ['nothing like an OTP', async () => ['x'.repeat(1 << 20)]],
    ['another type', async () => [{ otp: 'x' }]],
  ])('refuses %s, at the cost of a guess', async (_, make) => {
    const [otp] = await make()
    expect(await enrol(otp)).toEqual({ status: 'rejected', attemptsLeft: 4, lockedUntil: null })
    const [first] = await typed(key, [1, 0])
    await enrol(first)
    expect(await verify(otp)).toBe('rejected')
    expect((await harness.guesses(subject))?.recent).toHaveLength(2)
  })

  it('forgets no counter when a key is removed and imported again, nor when keys rotate', async () => {
    const { store, vault, clock } = harness
    const [first, second, third] = await typed(key, [1, 0], [2, 0], [3, 0])
    await enrol(first)
    expect(await verify(second)).toBe('complete')
    await store.transaction((tx) => tx.yubikeys.remove(key.publicId))
    expect(await verify(third)).toBe('rejected')
    await importKeys(harness, key)
    await rotateKeys({ store, vault, clock, resealables: sealedPorts })
    expect(await store.read((tx) => tx.yubikeys.countSealedUnder(vault.activeKeyId))).toBeGreaterThan(0)
    expect([await verify(second), await verify(third), await verify(third)]).toEqual([
      'rejected',
      'complete',
      'rejected',
    ])
  })

  describe('in a chain of a phone and a key', () => {
    let phone: Phone

    beforeEach(async () => {
      phone = await harness.addPhone(subject)
      await enrol((await typed(key, [1, 0]))[0])
    })

    it('passes one step each, in their order', async () => {
      const [otp] = await typed(key, [2, 0])
      const { id: attemptId } = await harness.begin(subject, chain)
      const step = async (input: unknown) => (await harness.attempts.verify({ attemptId, input })).status
      expect([await step(otp), await step(phone.code()), await step(otp)]).toEqual([
        'rejected',
        'advanced',
        'complete',
      ])
    })

    it('begins anew after a wrong OTP, and counts every wrong guess against one budget', async () => {
      const wrong = (await typed({ ...key, aesKey: '11'.repeat(16) }, [9, 9]))[0]!
      const { id: attemptId } = await harness.begin(subject, chain)
      const step = async (input: unknown) => harness.attempts.verify({ attemptId, input })
      await step(phone.code())
      expect(await step(wrong)).toMatchObject({ status: 'rejected', reset: true, attemptsLeft: 4 })
      expect(await step(wrongCode(phone, epoch))).toMatchObject({ attemptsLeft: 3 })
      expect(await enrol(wrong)).toMatchObject({ status: 'rejected', attemptsLeft: 2 })
      expect(await harness.verifyOnce(subject, wrong, yubikeyStep)).toMatchObject({ attemptsLeft: 1 })
      expect(await harness.verifyOnce(subject, 'AAAA-BBBB')).toMatchObject({ attemptsLeft: 0 })
      const [right] = await typed(key, [3, 0])
      expect(await enrol(right)).toMatchObject({ status: 'locked' })
      expect(await verify(right)).toBe('locked')
    })
  })
})

/** A hexadecimal digit, as modhex has it. */
function letterOf(digit: string): string {
  return 'cbdefghijklnrtuv'[Number.parseInt(digit, 16)]!
}
