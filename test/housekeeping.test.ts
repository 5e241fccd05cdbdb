import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dropOld } from '../cli/src/housekeeping.ts'
import { databases, type Place } from './support/databases.ts'
import { type Harness, openHarness } from './support/harness.ts'

describe.each(databases)('what is long over, on $database,', ({ open }) => {
  let place: Place
  let harness: Harness
  beforeAll(async () => {
    place = await open()
    harness = await openHarness({ location: place.location })
  })
  afterAll(async () => {
    await harness.close()
    await place.remove()
  })

  it('is dropped, however many attempts came in the hour', async () => {
    const { store, clock } = harness
    const subject = await harness.addSubject()
    await harness.addPhone(subject)
    const attempt = await harness.begin(subject)
    const ids = Array.from({ length: 2_500 }, (_, index) => `attempt ${index}`)
    await store.transaction(async (tx) => {
      for (const id of ids) await tx.attempts.insert({ ...attempt, id })
    })
    clock.at += 25 * 3_600_000
    await dropOld({ store, clock })
    const left = await store.read(async (tx) => {
      const found: string[] = []
      for (const id of ids) if (await tx.attempts.find(id)) found.push(id)
      return found
    })
    expect(left).toEqual([])
  })
})
