import type { GuessLimits } from '@sallyport/core'
import { createPostgresStore } from '@sallyport/store'
import { epoch, openHarness } from './harness.ts'

export interface Submission {
  attemptId: string
  input: unknown
}

/** Another node: verifies, all at once, whatever its parent sends, and answers with what became of each. */
const { location, limits } = JSON.parse(process.argv[2]!) as { location: string; limits?: GuessLimits }
const clock = { now: () => epoch }
// On a busy machine the last in a queue of many waits longer than a server would let it.
const store = location.startsWith('postgres')
  ? await createPostgresStore({ url: location, clock, statementTimeout: 60_000 })
  : location
const { attempts } = await openHarness({ location: store, now: epoch, ...(limits && { limits }) })

process.on('message', async (submissions: Submission[]) => {
  const outcomes = submissions.map(async (submission) => {
    try {
      return (await attempts.verify(submission)).status
    } catch (error) {
      return `failed: ${error instanceof Error ? error.message : error}`
    }
  })
  process.send!(await Promise.all(outcomes))
})
process.on('disconnect', () => process.exit())
process.send!('ready')
