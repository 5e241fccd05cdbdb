import { describe, expect, it } from 'vitest'
import { encodeSecret } from '../factors/shared/base32.ts'
import { totp } from '../factors/shared/otp.ts'
import { createOrchestrator, type OrchestratorOptions, restoreOrchestrator } from './orchestrator.ts'
import { parsePolicy } from './policy.ts'

const integrityKey = Buffer.alloc(32, 7)
const bytes = (name: string) => Buffer.from(name.repeat(20))
const policyOf = (rest: object = {}) =>
  parsePolicy({
    mode: 'random',
    requiredSteps: 3,
    factors: ['a', 'b', 'c'].map((id) => ({ id, label: `Device ${id}`, type: 'totp' })),
    ...rest,
  })
const policy = policyOf()
const clock = { now: () => 1_700_000_000_000 }
const options = { clock, integrityKey }

function pass(orchestrator: ReturnType<typeof createOrchestrator>, at = clock.now()): boolean {
  const { id } = orchestrator.expectedFactor!
  const userInput = totp({ secret: bytes(id), at, period: 30, algorithm: 'SHA1', digits: 6 })
  return orchestrator.verifyStep({ secret: encodeSecret(bytes(id)), userInput, factorId: id }).success
}

function halfway(): ReturnType<typeof createOrchestrator> {
  const orchestrator = createOrchestrator(policy, options)
  orchestrator.initializeAttempt()
  expect(pass(orchestrator)).toBe(true)
  return orchestrator
}

const altered = expect.objectContaining({ code: 'attempt_altered' })
const keyRequired = expect.objectContaining({ code: 'integrity_key_required' })

describe('saving and restoring', () => {
  it('goes on where it stopped, from the object or its text', () => {
    const saved = halfway()
    for (const form of [saved.toJSON(), JSON.stringify(saved), JSON.parse(JSON.stringify(saved))]) {
      const restored = restoreOrchestrator(policy, form, options)
      expect(restored.chain).toEqual(saved.chain)
      expect(restored.expectedFactor).toEqual(saved.expectedFactor)
      expect(pass(restored)).toBe(true)
      expect(pass(restored)).toBe(true)
      expect(restored.isComplete).toBe(true)
      expect(restoreOrchestrator(policy, restored.toJSON(), options).isComplete).toBe(true)
    }
  })

  it('restores an attempt that was never started as such', () => {
    const restored = restoreOrchestrator(policy, createOrchestrator(policy, options).toJSON(), options)
    expect(restored.chain).toBeNull()
    expect(() => restored.verifyStep({ secret: 'AA', userInput: '', factorId: 'a' })).toThrow(
      expect.objectContaining({ code: 'chain_not_started' }),
    )
  })

  it('remembers what was accepted', () => {
    const restored = restoreOrchestrator(policy, halfway().toJSON(), options)
    const first = restored.chain![0]!.id
    const { id } = restored.expectedFactor!
    const userInput = totp({
      secret: bytes(first),
      at: clock.now(),
      period: 30,
      algorithm: 'SHA1',
      digits: 6,
    })
    expect(restored.verifyStep({ secret: bytes(first), userInput, factorId: id }).success).toBe(false)
  })

  it('holds no secret and no code', () => {
    const text = JSON.stringify(halfway())
    for (const name of ['a', 'b', 'c']) {
      const code = totp({ secret: bytes(name), at: clock.now(), period: 30, algorithm: 'SHA1', digits: 6 })
      for (const encoding of ['hex', 'base64', 'base64url', 'utf8'] as const) {
        expect(text).not.toContain(bytes(name).toString(encoding))
      }
      expect(text).not.toContain(encodeSecret(bytes(name)))
      expect(text).not.toContain(`"${code}"`)
    }
    expect(JSON.parse(text).version).toBe(1)
  })

  it.each([undefined, new Uint8Array(31), 'x'.repeat(31), '', 32 as never])(
    'needs a key, and %j is none',
    (key) => {
      const without = { clock, ...(key === undefined ? {} : { integrityKey: key }) } as OrchestratorOptions
      const orchestrator = createOrchestrator(policy, without)
      orchestrator.initializeAttempt()
      expect(() => orchestrator.toJSON()).toThrow(keyRequired)
      expect(() => restoreOrchestrator(policy, halfway().toJSON(), without)).toThrow(keyRequired)
    },
  )

  it('takes a key as text', () => {
    const asText = { clock, integrityKey: 'k'.repeat(32) }
    const asBytes = { clock, integrityKey: Buffer.from('k'.repeat(32)) }
    expect(restoreOrchestrator(policy, createOrchestrator(policy, asText).toJSON(), asBytes).chain).toBeNull()
  })
})

describe('what is refused', () => {
  const saved = halfway().toJSON()

  it('another key, another policy, other codes', () => {
    const otherKey = { clock, integrityKey: Buffer.alloc(32, 8) }
    expect(() => restoreOrchestrator(policy, saved, otherKey)).toThrow(altered)
    for (const rest of [
      { mode: 'fixed' },
      { requiredSteps: 2 },
      { onFailure: 'retry' },
      { onBreach: 'reset' },
    ]) {
      expect(() => restoreOrchestrator(policyOf(rest), saved, options)).toThrow(altered)
    }
    const relabelled = policy.factors.map((factor) => ({ ...factor, label: 'x' }))
    expect(() => restoreOrchestrator(policyOf({ factors: relabelled }), saved, options)).toThrow(altered)
    for (const settings of [{ digits: 8 }, { period: 60 }, { algorithm: 'SHA512' as const }]) {
      expect(() => restoreOrchestrator(policy, saved, { ...options, totp: settings })).toThrow(altered)
    }
  })

  it('every field changed, taken away or added', () => {
    const fingerprint = saved.accepted[0]![0]
    const changes: object[] = [
      { version: 2 },
      { version: '1' },
      { cursor: 2 },
      { cursor: 3 },
      { cursor: 0 },
      { cursor: -1 },
      { cursor: 0.5 },
      { chain: null },
      { chain: [] },
      { chain: saved.chain!.slice(0, 1) },
      { chain: saved.chain!.toReversed() },
      { chain: ['a', 'a', 'a'] },
      { accepted: [] },
      { accepted: [[fingerprint, 0]] },
      { accepted: [...saved.accepted, ['x', 1]] },
      { policy: '' },
      { mac: '' },
      { mac: saved.mac.toUpperCase() },
      { mac: `${saved.mac}=` },
      { mac: null },
      { extra: 1 },
    ]
    for (const change of changes) {
      expect(
        () => restoreOrchestrator(policy, { ...saved, ...change }, options),
        JSON.stringify(change),
      ).toThrow(altered)
    }
    for (const key of Object.keys(saved)) {
      const { [key as keyof typeof saved]: _, ...rest } = saved
      expect(() => restoreOrchestrator(policy, rest, options), key).toThrow(altered)
    }
  })

  it('every bit of its text changed, every byte cut off', () => {
    const text = Buffer.from(JSON.stringify(saved))
    for (let place = 0; place < text.length; place++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const changed = Buffer.from(text)
        changed[place]! ^= bit
        expect(() => restoreOrchestrator(policy, changed.toString(), options)).toThrow(altered)
      }
      expect(() => restoreOrchestrator(policy, text.subarray(0, place).toString(), options)).toThrow(altered)
    }
  })

  it.each([
    undefined,
    null,
    1,
    true,
    [],
    {},
    '',
    'null',
    '{',
    '[]',
    `"${'x'.repeat(1 << 20)}"`,
    '['.repeat(60_000),
  ])('what was never saved: %#', (never) => {
    expect(() => restoreOrchestrator(policy, never, options)).toThrow(altered)
  })
})
