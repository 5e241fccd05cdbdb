import { describe, expect, it } from 'vitest'
import { faults, runTrial } from './fault-trial.fixture.ts'

describe('strict mode under faults: what the device had is always a prefix of the record', () => {
  it.each(faults.map((fault, index) => [fault, 11 * index + 3] as const))(
    '%s',
    async (fault, seed) => {
      const result = await runTrial(fault, seed)
      expect(result).toMatchObject({
        isPrefix: true,
        status: fault === 'device gone' ? 'clean' : 'interrupted',
      })
      expect(result.received).toBeGreaterThan(0)
      const killed = fault === 'SIGKILL' || fault === 'SIGSTOP'
      const reason = fault === 'device gone' ? /^device lost/ : /^recording failed$/
      if (killed) expect(result.reason).toBeNull()
      else expect(result.reason).toMatch(reason)
    },
    30_000,
  )
})
