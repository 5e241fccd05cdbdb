import { type Attempt, defaultGuessLimits, type GuessLimits, type Subject } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases, type Place } from './support/databases.ts'
import { chainOf, epoch, type Harness, oneStep, openHarness, wrongCode } from './support/harness.ts'
import { type Nodes, startNodes } from './support/nodes.ts'

const rounds = 200
const parallel = 64
const patience = 240_000

/** So that the race is for the code, and not for the budget. */
const generous: GuessLimits = { ...defaultGuessLimits, attempts: 1_000, ceiling: 1_000_000 }

describe.each(databases)(`$database, $processes processes, ${parallel} submissions at once`, (bench) => {
  const { open, processes } = bench
  let place: Place
  let harness: Harness
  let generousNodes: Nodes
  let strictNodes: Nodes

  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location, now: epoch })
    generousNodes = await startNodes({ count: processes, location: place.location, limits: generous })
    strictNodes = await startNodes({ count: processes, location: place.location })
  }, 120_000)

  afterAll(async () => {
    generousNodes?.stop()
    strictNodes?.stop()
    await harness?.close()
    await place?.remove()
  })

  /** The same attempt many times over, which costs one commit instead of many. */
  async function manyAttempts(subject: Subject, policy: object = oneStep): Promise<Attempt[]> {
    const first = await harness.begin(subject, policy)
    const copies = Array.from({ length: parallel - 1 }, (_, index) => ({
      ...first,
      id: `${first.id}.${index}`,
    }))
    await harness.store.transaction(async (tx) => {
      for (const copy of copies) await tx.attempts.insert(copy)
    })
    return [first, ...copies]
  }

  const passedSteps = async (subject: Subject) =>
    (await harness.ledgerTypes(subject)).filter((type) => type === 'attempt.step_passed').length

  it(`accepts a TOTP code on one of ${parallel} attempts, ${rounds} times`, {
    timeout: patience,
  }, async () => {
    for (let round = 1; round <= rounds; round++) {
      const subject = await harness.addSubject()
      const phone = await harness.addPhone(subject)
      const attempts = await manyAttempts(subject)
      const tally = await generousNodes.submit(
        attempts.map(({ id }) => ({ attemptId: id, input: phone.code() })),
      )
      expect(tally, `round ${round}`).toEqual({ complete: 1, rejected: parallel - 1 })
      expect(await passedSteps(subject), `round ${round}: steps in the ledger`).toBe(1)
    }
  })

  it(`accepts a backup code on one of ${parallel} attempts, ${rounds} times`, {
    timeout: patience,
  }, async () => {
    for (let round = 1; round <= rounds; round++) {
      const subject = await harness.addSubject()
      const [code] = await harness.enrolments.regenerateBackupCodes(subject)
      // All four of its spellings race.
      const bare = code!.replace('-', '')
      const spellings = [code!, bare, code!.toLowerCase(), bare.toLowerCase()]
      const attempts = await manyAttempts(subject)
      const tally = await generousNodes.submit(
        attempts.map(({ id }, index) => ({ attemptId: id, input: spellings[index % 4] })),
      )
      expect(tally, `round ${round}`).toEqual({ complete: 1, rejected: parallel - 1 })
      expect(await harness.enrolments.backupCodesLeft(subject.id), `round ${round}: codes left`).toBe(9)
    }
  })

  it(`takes an attempt one step on, or to its end, ${rounds} times`, { timeout: patience }, async () => {
    for (let round = 1; round <= rounds; round++) {
      const last = round % 2 === 0
      const subject = await harness.addSubject()
      const phone = await harness.addPhone(subject)
      await harness.addPhone(subject)
      const policy = chainOf(last ? ['totp'] : ['totp', 'totp'], { onFailure: 'retry' })
      const { id: attemptId } = await harness.begin(subject, policy)
      const submission = { attemptId, input: phone.code() }
      const tally = await generousNodes.submit(Array(parallel).fill(submission))
      const expected = last ? { complete: 1, gone: parallel - 1 } : { advanced: 1, rejected: parallel - 1 }
      expect(tally, `round ${round}`).toEqual(expected)
      expect(await passedSteps(subject), `round ${round}: steps in the ledger`).toBe(1)
    }
  })

  it('judges no more than five guesses with the usual limits', { timeout: patience }, async () => {
    for (let round = 1; round <= 20; round++) {
      const subject = await harness.addSubject()
      const phone = await harness.addPhone(subject)
      const wrong = wrongCode(phone, epoch)
      const attempts = await manyAttempts(subject)
      await strictNodes.submit(attempts.map(({ id }) => ({ attemptId: id, input: wrong })))
      const types = await harness.ledgerTypes(subject)
      const judged = types.filter((type) => type === 'attempt.step_failed').length
      expect(judged, `round ${round}: guesses judged`).toBe(5)
      expect((await harness.guesses(subject))?.inRow, `round ${round}: guesses counted`).toBe(5)
    }
  })

  it('has a clean ledger after all that', { timeout: patience }, async () => {
    expect(await harness.verifyLedger()).toMatchObject({ status: 'clean', firstBad: null })
  })
})
