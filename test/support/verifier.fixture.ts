import type { GuessLimits } from '@sallyport/core'
import { epoch, openHarness } from './harness.ts'

export interface Submission {
  attemptId: string
  input: unknown
}

/** Another node: verifies, all at once, whatever its parent sends, and answers with what became of each. */
const { location, limits } = JSON.parse(process.argv[2]!) as { location: string; limits?: GuessLimits }
const { attempts } = await openHarness({ location, now: epoch, ...(limits && { limits }) })

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
