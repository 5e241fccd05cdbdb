import fc from 'fast-check'
import { expect, it } from 'vitest'
import { timeStep, totp } from '../factors/shared/otp.ts'
import { createOrchestrator, type Orchestrator, restoreOrchestrator } from './orchestrator.ts'
import { parsePolicy } from './policy.ts'

const ids = ['a', 'b', 'c'] as const
/** Steps a and b share a secret. */
const secrets = { a: Buffer.alloc(20, 1), b: Buffer.alloc(20, 1), c: Buffer.alloc(20, 3) }
type Id = keyof typeof secrets

const codeOf = (id: Id, step: number) =>
  totp({ secret: secrets[id], at: step * 30_000, period: 30, algorithm: 'SHA1', digits: 6 })

const policyArbitrary = fc.record({
  mode: fc.constantFrom('fixed', 'random'),
  requiredSteps: fc.integer({ min: 1, max: 3 }),
  onFailure: fc.constantFrom('reset', 'retry'),
  onBreach: fc.constantFrom('refuse', 'reset'),
})

const id = fc.constantFrom(...ids)
const offset = fc.integer({ min: -2, max: 2 })
const stepsArbitrary = fc.array(
  fc.oneof(
    // The right code of the expected step, given some time steps from now.
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('right' as const), offset }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('code of' as const), id, offset }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('replay' as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('junk' as const), input: fc.anything() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('offer as' as const), id, offset }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('clock' as const), by: fc.integer({ min: -5, max: 9 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
  ),
  { minLength: 1, maxLength: 60 },
)

/** What must be true, told without any of the code under test but the published TOTP. */
function createModel(policy: { onFailure: string; onBreach: string }) {
  const accepted = new Map<string, number>()
  const once = new Set<string>()
  let passed: Id[] = []
  return {
    passed: () => passed,
    start() {
      passed = []
    },
    breach() {
      if (policy.onBreach === 'reset') passed = []
    },
    offer(expected: Id, input: unknown, now: number): boolean {
      const secret = secrets[expected].toString('hex')
      const fresh = [now + 1, now, now - 1].filter((step) => step > (accepted.get(secret) ?? -1))
      const step = fresh.find((candidate) => codeOf(expected, candidate) === input)
      if (step === undefined) {
        if (policy.onFailure === 'reset') passed = []
        return false
      }
      accepted.set(secret, step)
      expect(once.has(`${secret} ${step}`)).toBe(false)
      once.add(`${secret} ${step}`)
      passed.push(expected)
      return true
    },
  }
}

it('no sequence of inputs completes a chain unless every step was passed, in order, once', () => {
  let completed = 0
  const scenario = fc.property(policyArbitrary, stepsArbitrary, (rest, steps) => {
    const clock = { step: timeStep(1_700_000_000_000, 30), now: () => clock.step * 30_000 + 7 }
    const factors = ids.map((name) => ({ id: name, label: `Device ${name}`, type: 'totp' }))
    const policy = parsePolicy({ ...rest, factors })
    const options = { clock, integrityKey: Buffer.alloc(32, 9) }
    const model = createModel(policy)
    const given: string[] = []
    let orchestrator: Orchestrator = createOrchestrator(policy, options)
    orchestrator.initializeAttempt()

    const offer = (factorId: Id, userInput: unknown) => {
      const expected = orchestrator.expectedFactor?.id as Id | undefined
      const claim = { secret: secrets[factorId], userInput, factorId }
      if (expected === undefined) {
        expect(() => orchestrator.verifyStep(claim)).toThrow(
          expect.objectContaining({ code: 'chain_complete' }),
        )
        return
      }
      if (typeof userInput === 'string') given.push(userInput)
      if (factorId !== expected) {
        expect(() => orchestrator.verifyStep(claim)).toThrow(
          expect.objectContaining({ code: 'chain_breached' }),
        )
        model.breach()
        return
      }
      const labels = orchestrator.chain!.map((factor) => factor.label)
      const success = model.offer(expected, userInput, clock.step)
      const at = model.passed().length
      const failed = policy.onFailure === 'reset' ? 'RESET' : labels[at]
      const nextFactorLabel = success ? (labels[at] ?? null) : failed
      const isComplete = success && at === policy.requiredSteps
      expect(orchestrator.verifyStep(claim)).toEqual({ success, nextFactorLabel, isComplete })
    }

    for (const step of steps) {
      const expected = (orchestrator.expectedFactor?.id ?? 'a') as Id
      if (step.kind === 'clock') clock.step += step.by
      if (step.kind === 'right') offer(expected, codeOf(expected, clock.step + step.offset))
      if (step.kind === 'code of') offer(expected, codeOf(step.id, clock.step + step.offset))
      if (step.kind === 'offer as') offer(step.id, codeOf(step.id, clock.step + step.offset))
      if (step.kind === 'replay') offer(expected, given[given.length - 1 - step.which] ?? given[0])
      if (step.kind === 'junk') offer(expected, step.input)
      if (step.kind === 'restore')
        orchestrator = restoreOrchestrator(policy, JSON.stringify(orchestrator), options)
      if (step.kind === 'start') {
        orchestrator.initializeAttempt()
        model.start()
      }
      const chain = orchestrator.chain!.map((factor) => factor.id)
      expect(new Set(chain).size).toBe(policy.requiredSteps)
      if (policy.mode === 'fixed') expect(chain).toEqual(ids.slice(0, policy.requiredSteps))
      expect(model.passed()).toEqual(chain.slice(0, model.passed().length))
      expect(orchestrator.isComplete).toBe(model.passed().length === policy.requiredSteps)
      if (orchestrator.isComplete) completed++
    }
  })
  fc.assert(scenario, { numRuns: 1500 })
  // Else the property would hold because nothing ever completes.
  expect(completed).toBeGreaterThan(100)
})
