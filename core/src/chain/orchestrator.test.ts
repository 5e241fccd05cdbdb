import { describe, expect, it } from 'vitest'
import { MfaChainBreached } from '../errors.ts'
import { encodeSecret } from '../factors/shared/base32.ts'
import { totp } from '../factors/shared/otp.ts'
import { createAcceptedSteps } from './accepted-steps.ts'
import { createOrchestrator, type OrchestratorOptions } from './orchestrator.ts'
import { type ChainPolicy, parsePolicy } from './policy.ts'

const names = ['a', 'b', 'c'] as const
const secrets = Object.fromEntries(names.map((name) => [name, encodeSecret(Buffer.from(name.repeat(20)))]))

const policyOf = (rest: object = {}): ChainPolicy =>
  parsePolicy({
    mode: 'fixed',
    requiredSteps: 2,
    factors: names.map((id) => ({ id, label: `Device ${id}`, type: 'totp' })),
    ...rest,
  })

const code = (name: string, at: number, more: object = {}) =>
  totp({ secret: Buffer.from(name.repeat(20)), at, period: 30, algorithm: 'SHA1', digits: 6, ...more })

function walk(rest: object = {}, options: OrchestratorOptions = {}) {
  const clock = { time: 1_700_000_000_000, now: () => clock.time }
  const orchestrator = createOrchestrator(policyOf(rest), { clock, ...options })
  const chain = orchestrator.initializeAttempt()
  const offer = (name: string, userInput: unknown = code(name, clock.time), more: object = {}) =>
    orchestrator.verifyStep({ secret: secrets[name]!, userInput, factorId: name, ...more })
  return { clock, orchestrator, chain, offer }
}

const passed = (nextFactorLabel: string) => ({ success: true, nextFactorLabel, isComplete: false })
const complete = { success: true, nextFactorLabel: null, isComplete: true }
const reset = { success: false, nextFactorLabel: 'RESET', isComplete: false }

describe('walking a chain', () => {
  it('passes each step in turn, to the end', () => {
    const { chain, orchestrator, offer } = walk()
    expect(chain).toEqual(policyOf().factors.slice(0, 2))
    expect(offer('a')).toEqual(passed('Device b'))
    expect(orchestrator.expectedFactor?.id).toBe('b')
    expect(offer('b')).toEqual(complete)
    expect(orchestrator.isComplete).toBe(true)
    expect(orchestrator.expectedFactor).toBeNull()
  })

  it('is complete after one step where one is asked for', () => {
    expect(walk({ requiredSteps: 1 }).offer('a')).toEqual(complete)
  })

  it('takes the secret as bytes too', () => {
    const { orchestrator, clock } = walk()
    const claim = { secret: Buffer.from('a'.repeat(20)), userInput: code('a', clock.time), factorId: 'a' }
    expect(orchestrator.verifyStep(claim)).toEqual(passed('Device b'))
  })

  it('works with the system clock and randomness', () => {
    const orchestrator = createOrchestrator(policyOf({ mode: 'random', requiredSteps: 3 }))
    for (const { id } of orchestrator.initializeAttempt()) {
      const userInput = code(id, Date.now())
      expect(orchestrator.verifyStep({ secret: secrets[id]!, userInput, factorId: id }).success).toBe(true)
    }
    expect(orchestrator.isComplete).toBe(true)
  })

  it('refuses to judge before the start and after the end', () => {
    const { offer } = walk({ requiredSteps: 1 })
    offer('a')
    expect(() => offer('a')).toThrow(expect.objectContaining({ code: 'chain_complete' }))
    const orchestrator = createOrchestrator(policyOf())
    const claim = { secret: secrets.a!, userInput: '000000', factorId: 'a' }
    expect(() => orchestrator.verifyStep(claim)).toThrow(
      expect.objectContaining({ code: 'chain_not_started' }),
    )
    expect(orchestrator.isComplete).toBe(false)
  })

  it('starts anew when asked; what was accepted stays used up', () => {
    const { orchestrator, offer, clock } = walk()
    offer('a')
    orchestrator.initializeAttempt()
    expect(orchestrator.expectedFactor?.id).toBe('a')
    expect(offer('a')).toEqual(reset)
    clock.time += 30_000
    expect(offer('a')).toEqual(passed('Device b'))
  })

  it('cannot be led astray by changing what it gave out', () => {
    const { orchestrator, chain, offer } = walk()
    chain.length = 0
    ;(orchestrator.chain as unknown[]).length = 0
    expect(() => Object.assign(orchestrator.expectedFactor!, { id: 'b' })).toThrow(TypeError)
    expect(offer('a')).toEqual(passed('Device b'))
  })

  it('does not walk a policy that was never checked', () => {
    const forged = { ...policyOf(), requiredSteps: 0 }
    expect(() => createOrchestrator(forged)).toThrow(expect.objectContaining({ code: 'policy_invalid' }))
  })
})

describe('strict order', () => {
  it('throws for another factor and does not advance', () => {
    const { orchestrator, offer } = walk()
    offer('a')
    expect(() => offer('a')).toThrow(MfaChainBreached)
    expect(() => offer('c')).toThrow(
      expect.objectContaining({ code: 'chain_breached', expectedFactorId: 'b', offeredFactorId: 'c' }),
    )
    expect(orchestrator.expectedFactor?.id).toBe('b')
    expect(offer('b')).toEqual(complete)
  })

  it('goes back to the start for it under onBreach: reset', () => {
    const { orchestrator, offer } = walk({ onBreach: 'reset' })
    offer('a')
    expect(() => offer('c')).toThrow(MfaChainBreached)
    expect(orchestrator.expectedFactor?.id).toBe('a')
  })

  it.each([undefined, null, 0, {}, ['a'], { toString: () => 'a' }, 'A', 'a ', 'x'.repeat(1 << 20)])(
    'takes %j for no factor at all',
    (factorId) => {
      const { orchestrator, clock } = walk()
      const claim = { secret: secrets.a!, userInput: code('a', clock.time), factorId: factorId as string }
      const breach = expect.objectContaining({ code: 'chain_breached' })
      expect(() => orchestrator.verifyStep(claim)).toThrow(breach)
      expect(orchestrator.expectedFactor?.id).toBe('a')
    },
  )
})

describe('failure', () => {
  it('goes back to the start, whichever step failed', () => {
    const { orchestrator, offer, clock } = walk({ requiredSteps: 3 })
    offer('a')
    offer('b')
    expect(offer('c', '000000')).toEqual(reset)
    expect(orchestrator.expectedFactor?.id).toBe('a')
    expect(() => offer('c')).toThrow(MfaChainBreached)
    clock.time += 30_000
    expect(offer('a')).toEqual(passed('Device b'))
    expect(offer('b')).toEqual(passed('Device c'))
    expect(offer('c')).toEqual(complete)
  })

  it('draws the order anew in random mode', () => {
    const { orchestrator } = walk({ mode: 'random', requiredSteps: 3 })
    const orders = new Set<string>()
    for (let i = 0; i < 200; i++) {
      const id = orchestrator.expectedFactor!.id
      expect(orchestrator.verifyStep({ secret: secrets[id]!, userInput: 'x', factorId: id })).toEqual(reset)
      orders.add(orchestrator.chain!.map((factor) => factor.id).join(''))
    }
    expect(orders.size).toBe(6)
  })

  it('stays at the step under onFailure: retry', () => {
    const { offer } = walk({ onFailure: 'retry' })
    offer('a')
    expect(offer('b', '000000')).toEqual({ success: false, nextFactorLabel: 'Device b', isComplete: false })
    expect(offer('b')).toEqual(complete)
  })

  const right = code('a', 1_700_000_000_000)
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', Number(right)],
    ['a list', [right]],
    ['an object', { toString: () => right, length: 6 }],
    ['a String object', new String(right)],
    ['a padded code', ` ${right}`],
    ['a code and a line feed', `${right}\n`],
    ['a grouped code', `${right.slice(0, 3)} ${right.slice(3)}`],
    ['a code too short', right.slice(0, 5)],
    ['a code too long', `${right}0`],
    ['a code with zeros before', `0${right}`],
    ['full-width digits', right.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))],
    ['Arabic digits', right.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)))],
    ['a sign', `+${right.slice(1)}`],
    ['an exponent', '1e0000'],
    ['a megabyte', right.repeat(170_000)],
    ['nothing at all', ''],
  ])('takes %s for a wrong code', (_, userInput) => {
    const { offer, orchestrator } = walk()
    expect(orchestrator.verifyStep({ secret: secrets.a!, userInput, factorId: 'a' })).toEqual(reset)
    expect(offer('a', right)).toEqual(passed('Device b'))
  })

  it('takes a malformed code for a wrong one even while 000000 is the right one', () => {
    const { orchestrator, offer, clock } = walk()
    clock.time = 1_725_466_170_000
    expect(code('a', clock.time)).toBe('000000')
    for (const userInput of ['', '00000', '0000000', 0, null]) {
      expect(orchestrator.verifyStep({ secret: secrets.a!, userInput, factorId: 'a' })).toEqual(reset)
    }
    expect(offer('a', '000000')).toEqual(passed('Device b'))
  })
})

describe('codes', () => {
  it('pass one time step either side by default, and no further', () => {
    for (const [steps, success] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      const { offer, clock } = walk()
      expect(offer('a', code('a', clock.time + steps * 30_000)).success).toBe(success)
    }
  })

  it.each([
    { window: 0, success: false },
    { window: -5, success: false },
    { window: 0.9, success: false },
    { window: 1, success: true },
  ])('pass in a window narrowed to $window: $success', ({ window, success }) => {
    const { offer, clock } = walk()
    expect(offer('a', code('a', clock.time - 30_000), { window }).success).toBe(success)
  })

  it.each([2, 10, Number.POSITIVE_INFINITY])('never pass in a window widened to %s', (window) => {
    const { offer, clock } = walk()
    expect(offer('a', code('a', clock.time - 60_000), { window }).success).toBe(false)
  })

  it('follow the configured window, digits, period and algorithm', () => {
    const settings = { algorithm: 'SHA256', digits: 8, period: 60, window: 3 } as const
    const { offer, clock } = walk({}, { totp: settings })
    expect(offer('a', code('a', clock.time - 180_000, settings))).toEqual(passed('Device b'))
    expect(offer('b', code('b', clock.time))).toEqual(reset)
  })

  it.each([
    { digits: 5 },
    { digits: 9 },
    { period: 0 },
    { window: -1 },
    { window: 11 },
    { algorithm: 'MD5' as 'SHA1' },
  ])('are not made by %j', (settings) => {
    const invalid = expect.objectContaining({ code: 'invalid_input' })
    expect(() => createOrchestrator(policyOf(), { totp: settings })).toThrow(invalid)
  })

  it.each([
    { window: Number.NaN },
    { window: '1' },
    { window: null },
    { secret: '' },
    { secret: '!!!' },
    { secret: new Uint8Array() },
    { secret: 42 },
    { secret: undefined },
  ])('are not judged against %j', (more) => {
    const { offer, orchestrator, clock } = walk()
    const invalid = expect.objectContaining({ code: 'invalid_input' })
    expect(() => offer('a', code('a', clock.time), more)).toThrow(invalid)
    expect(orchestrator.expectedFactor?.id).toBe('a')
  })

  it('are never accepted again, before or after a reset', () => {
    const { offer, clock } = walk()
    const first = code('a', clock.time)
    expect(offer('a', first).success).toBe(true)
    expect(offer('b', 'x')).toEqual(reset)
    expect(offer('a', first)).toEqual(reset)
    expect(offer('a', code('a', clock.time - 30_000))).toEqual(reset)
    expect(offer('a', code('a', clock.time + 30_000))).toEqual(passed('Device b'))
  })

  it('are never accepted again when the clock is set back or forward', () => {
    const { offer, clock } = walk({ onFailure: 'retry' })
    const start = clock.time
    offer('a')
    offer('b', code('b', start))
    for (const turn of [-3_600_000, -30_000, 30_000, 3_600_000, 40 * 86_400_000]) {
      const again = walk({ onFailure: 'retry' })
      again.offer('a')
      again.clock.time += turn
      const same = { secret: secrets.a!, userInput: code('a', again.clock.time), factorId: 'a' }
      again.orchestrator.initializeAttempt()
      expect(again.orchestrator.verifyStep(same).success).toBe(turn > 0)
      again.clock.time = start
      again.orchestrator.initializeAttempt()
      expect(again.offer('a').success).toBe(false)
    }
  })

  it('cannot pass two steps of one attempt, even where the steps share a secret', () => {
    const { orchestrator, clock } = walk({ onFailure: 'retry' })
    const shared = (factorId: string, userInput: string, secret: string | Uint8Array = secrets.a!) =>
      orchestrator.verifyStep({ secret, userInput, factorId }).success
    const once = code('a', clock.time)
    expect(shared('a', once)).toBe(true)
    expect(shared('b', once)).toBe(false)
    expect(shared('b', once, Buffer.from('a'.repeat(20)))).toBe(false)
    expect(shared('b', once, secrets.a!.toLowerCase())).toBe(false)
    expect(shared('b', code('a', clock.time - 30_000))).toBe(false)
    expect(shared('b', code('a', clock.time + 30_000))).toBe(true)
  })
})

describe('steps of other kinds', () => {
  const mixed = (factor: object) => ({
    requiredSteps: 1,
    factors: [{ id: 'a', label: 'Device a', ...factor }],
  })

  it.each([{ type: 'email' }, { type: 'webauthn' }, { any_of: ['backup', 'password'] }])(
    '%j is an error, not a pass',
    (factor) => {
      const { offer, orchestrator } = walk(mixed(factor))
      expect(() => offer('a')).toThrow(
        expect.objectContaining({
          code: 'invalid_input',
          message: expect.stringContaining('createAttempts'),
        }),
      )
      expect(orchestrator.isComplete).toBe(false)
    },
  )

  it('passes an any_of by TOTP where TOTP is among them', () => {
    expect(walk(mixed({ any_of: ['email', 'totp'] })).offer('a')).toEqual(complete)
  })
})

describe('memory shared between attempts', () => {
  it('keeps a code accepted in one from passing in another', () => {
    const accepted = createAcceptedSteps()
    const [first, second, stranger] = [walk({}, { accepted }), walk({}, { accepted }), walk()]
    expect(first.offer('a').success).toBe(true)
    expect(second.offer('a').success).toBe(false)
    expect(stranger.offer('a').success).toBe(true)
    expect(second.offer('a', code('a', second.clock.time + 30_000)).success).toBe(true)
  })

  it('accepts nothing when another attempt was faster, or when it fails', () => {
    const faster = walk({}, { accepted: { raise: () => false } })
    expect(faster.offer('a')).toEqual(reset)
    const failing = () => {
      throw new Error('the memory is gone')
    }
    const broken = walk({}, { accepted: { raise: failing } })
    expect(() => broken.offer('a')).toThrow('the memory is gone')
    expect(broken.orchestrator.expectedFactor?.id).toBe('a')
  })
})
