import { type AttemptsOptions, SallyportError, type Subject, type Tx } from '@sallyport/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { type Harness, openHarness, type Phone } from './support/harness.ts'

type Parts = Pick<AttemptsOptions, 'store' | 'vault'>

const broken = () => new SallyportError('store_unavailable', 'broken by the test')

/** Fails one port's method inside the attempts' transactions while `switched.on`. */
function breaking(port: keyof Tx, method: string, switched: { on: boolean }) {
  const failing = (tx: Tx): Tx => ({
    ...tx,
    [port]: {
      ...tx[port],
      [method]: async () => {
        throw broken()
      },
    },
  })
  return ({ store, vault }: Parts): Parts => ({
    vault,
    store: {
      ...store,
      transaction: (work) => store.transaction((tx) => work(switched.on ? failing(tx) : tx)),
    },
  })
}

describe.each(databases)('faults during a verification on $database', ({ open }) => {
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
    subject = await harness.addSubject()
    phone = await harness.addPhone(subject)
  })

  const inRow = async () => (await harness.guesses(subject))?.inRow ?? 0

  /** The same store, through parts of which one does not work. */
  const faulty = (intercept: (parts: Parts) => Parts) => openHarness({ location: harness.store, intercept })

  it.each([
    ['the budget cannot be read', 'guesses', 'lock', 0],
    ['the budget cannot be written', 'guesses', 'save', 0],
    ['the attempt cannot be read', 'attempts', 'find', 0],
    ['the enrolments cannot be read', 'enrolments', 'listBySubject', 0],
    ['the code cannot be used up', 'once', 'raise', 1],
    ['the attempt cannot be moved on', 'attempts', 'replace', 1],
    ['the use cannot be noted', 'enrolments', 'touch', 1],
  ] as const)('accepts nothing when %s', async (_, port, method, counted) => {
    const { id: attemptId } = await harness.begin(subject)
    const switched = { on: true }
    const { attempts } = await faulty(breaking(port, method, switched))
    await expect(attempts.verify({ attemptId, input: phone.code() })).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(await inRow()).toBe(counted)
    expect(await harness.attempts.find(attemptId)).toMatchObject({ cursor: 0, revision: 0 })
    switched.on = false
    expect(await attempts.verify({ attemptId, input: phone.code() })).toMatchObject({ status: 'complete' })
  })

  it('accepts nothing when the vault does not open, and counts the guess', async () => {
    const { id: attemptId } = await harness.begin(subject)
    const { attempts } = await faulty(({ store }) => ({
      store,
      vault: { open: () => Promise.reject(new SallyportError('vault_key_unknown', 'no such key')) },
    }))
    const outcome = attempts.verify({ attemptId, input: phone.code() })
    await expect(outcome).rejects.toMatchObject({ code: 'vault_key_unknown' })
    expect(await inRow()).toBe(1)
    const again = harness.attempts.verify({ attemptId, input: phone.code() })
    expect(await again).toMatchObject({ status: 'complete' })
  })

  it("accepts no other subject's secret that was copied into the row", async () => {
    const other = await harness.addSubject()
    const theirs = await harness.addPhone(other)
    await harness.store.transaction(async (tx) => {
      await tx.enrolments.revoke(phone.enrolment.id, 0)
      const copied = { ...phone.enrolment, id: `copy ${subject.id}`, sealed: theirs.enrolment.sealed }
      await tx.enrolments.insert(copied)
    })
    const outcome = harness.verifyOnce(subject, theirs.code())
    await expect(outcome).rejects.toMatchObject({ code: 'vault_sealed_damaged' })
    expect(await inRow()).toBe(1)
  })

  it('accepts nothing when the ledger cannot be written', async () => {
    const { id: attemptId } = await harness.begin(subject)
    const node = await openHarness({ location: place.location })
    node.store.attachLedger({
      link: () => {
        throw new SallyportError('ledger_damaged', 'forged')
      },
    })
    try {
      const outcome = node.attempts.verify({ attemptId, input: phone.code() })
      await expect(outcome).rejects.toMatchObject({ code: 'ledger_damaged' })
      expect(await inRow()).toBe(1)
      expect(await harness.attempts.find(attemptId)).toMatchObject({ cursor: 0, revision: 0 })
    } finally {
      await node.close()
    }
    const again = harness.attempts.verify({ attemptId, input: phone.code() })
    expect(await again).toMatchObject({ status: 'complete' })
  })

  it('answers with an error once the store is closed', async () => {
    const { id: attemptId } = await harness.begin(subject)
    const node = await openHarness({ location: place.location })
    await node.close()
    const outcome = node.attempts.verify({ attemptId, input: phone.code() })
    await expect(outcome).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  describe('a grant', () => {
    it('is made in the commit that completes the attempt', async () => {
      const { id: attemptId } = await harness.begin(subject)
      const outcome = await harness.attempts.verify({
        attemptId,
        input: phone.code(),
        grant: async (tx, attempt) => {
          await tx.settings.insert(`grant ${attempt.id}`, attempt.status)
          return attempt.purpose
        },
      })
      expect(outcome).toMatchObject({ status: 'complete', grant: 'sign-in' })
      const stored = await harness.store.read((tx) => tx.settings.find(`grant ${attemptId}`))
      expect(stored).toBe('complete')
    })

    it('that fails undoes all but the guess', async () => {
      const { id: attemptId } = await harness.begin(subject)
      const outcome = harness.attempts.verify({
        attemptId,
        input: phone.code(),
        grant: async (tx) => {
          await tx.settings.insert(`grant ${attemptId}`, 'made')
          throw new Error('no session today')
        },
      })
      await expect(outcome).rejects.toThrow('no session today')
      expect(await harness.store.read((tx) => tx.settings.find(`grant ${attemptId}`))).toBe(null)
      expect(await inRow()).toBe(1)
      expect(await harness.ledgerTypes(subject)).toEqual(['attempt.started'])
      const again = harness.attempts.verify({ attemptId, input: phone.code() })
      expect(await again).toMatchObject({ status: 'complete' })
    })

    it('is made for one of many right answers, and for no wrong one', async () => {
      const { id: attemptId } = await harness.begin(subject)
      const made: string[] = []
      const submit = (input: string) =>
        harness.attempts.verify({ attemptId, input, grant: async () => void made.push(input) })
      await submit('000000x')
      await Promise.all([submit(phone.code()), submit(phone.code()), submit(phone.code())])
      expect(made).toEqual([phone.code()])
    })
  })

  it('leaves a clean ledger', async () => {
    expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
  })
})
