import { describe, expect, it } from 'vitest'
import { SallyportError } from '../errors.ts'
import { parsePolicy, stepKinds } from './policy.ts'

const totp = (id: string) => ({ id, label: `Device ${id}`, type: 'totp' })
const threeTokens = {
  mode: 'random',
  requiredSteps: 2,
  factors: [
    { id: 'token_1', label: 'Authenticator App', type: 'totp' },
    { id: 'token_2', label: 'Backup Device', type: 'totp' },
    { id: 'token_3', label: 'Hardware Token', type: 'totp' },
  ],
}

function faultsOf(input: unknown): string[] {
  try {
    parsePolicy(input)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'policy_invalid') throw error
    const lines = error.faults.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    expect(error.message).toBe(lines.join('\n'))
    return lines
  }
  return []
}

describe('parsePolicy', () => {
  it('reads the documented policy and fills the defaults in', () => {
    expect(parsePolicy(threeTokens)).toEqual({ ...threeTokens, onFailure: 'reset', onBreach: 'refuse' })
  })

  it('takes the spellings of YAML and JSON, and yields one', () => {
    const { requiredSteps, ...rest } = threeTokens
    const spelled = { ...rest, required_steps: requiredSteps, on_failure: 'retry', on_breach: 'reset' }
    const expected = { ...threeTokens, onFailure: 'retry', onBreach: 'reset' }
    expect(parsePolicy(spelled)).toEqual(expected)
    expect(JSON.stringify(parsePolicy(spelled))).toBe(JSON.stringify(parsePolicy(expected)))
  })

  it('reads what it returned, to the same text', () => {
    const once = parsePolicy({
      ...threeTokens,
      factors: [{ any_of: ['email', 'totp'], label: 'x', id: 'y' }],
      requiredSteps: 1,
    })
    expect(JSON.stringify(parsePolicy(once))).toBe(JSON.stringify(once))
  })

  it('accepts any_of, and every kind of factor', () => {
    const any_of = ['totp', 'email', 'backup', 'yubikey', 'webauthn', 'password']
    const policy = parsePolicy({
      mode: 'fixed',
      requiredSteps: 1,
      factors: [{ id: 'a', label: 'b', any_of }],
    })
    expect(stepKinds(policy.factors[0]!)).toEqual(any_of)
    expect(stepKinds(parsePolicy(threeTokens).factors[0]!)).toEqual(['totp'])
  })

  it('is frozen through and through, and keeps nothing of its input', () => {
    const input = {
      ...structuredClone(threeTokens),
      factors: [totp('a'), { id: 'b', label: 'b', any_of: ['totp'] }],
    }
    const policy = parsePolicy(input)
    input.factors.length = 0
    expect(policy.factors).toHaveLength(2)
    const step = policy.factors[1] as { any_of: unknown }
    for (const part of [policy, policy.factors, policy.factors[0], step, step.any_of]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it.each<[string, unknown, string[]]>([
    [
      'a duplicate id',
      { ...threeTokens, factors: [totp('a'), totp('b'), totp('a')] },
      ['factors[2].id: duplicate of factors[0].id'],
    ],
    ['no factors', { ...threeTokens, factors: [] }, ['factors: must have at least 1 entry']],
    [
      'too many factors',
      { ...threeTokens, factors: Array.from({ length: 33 }, (_, i) => totp(`${i}`)) },
      ['factors: must have at most 32 entries'],
    ],
    [
      'a count of zero',
      { ...threeTokens, requiredSteps: 0 },
      ['requiredSteps: must be from 1 to 3, the number of factors'],
    ],
    [
      'a negative count',
      { ...threeTokens, requiredSteps: -1 },
      ['requiredSteps: must be from 1 to 3, the number of factors'],
    ],
    [
      'a count above the factors',
      { mode: 'fixed', required_steps: 4, factors: threeTokens.factors },
      ['required_steps: must be from 1 to 3, the number of factors'],
    ],
    ['half a step', { ...threeTokens, requiredSteps: 1.5 }, ['requiredSteps: must be a whole number']],
    ['a count as text', { ...threeTokens, requiredSteps: '2' }, ['requiredSteps: must be a number']],
    [
      'an endless count',
      { ...threeTokens, requiredSteps: Number.POSITIVE_INFINITY },
      ['requiredSteps: must be a number'],
    ],
    ['no count', { mode: 'fixed', factors: threeTokens.factors }, ['requiredSteps: required']],
    ['no mode', { requiredSteps: 1, factors: threeTokens.factors }, ['mode: required']],
    ['an unknown mode', { ...threeTokens, mode: 'shuffled' }, ['mode: must be one of fixed, random']],
    ['an unknown key', { ...threeTokens, steps: 1 }, ['steps: unknown key']],
    [
      'an unknown key of a factor',
      { ...threeTokens, factors: [{ ...totp('a'), secret: 'x' }, totp('b')] },
      ['factors[0].secret: unknown key'],
    ],
    [
      'an unknown type',
      { ...threeTokens, factors: [{ ...totp('a'), type: 'sms' }, totp('b')] },
      ['factors[0].type: must be one of totp, email, backup, yubikey, webauthn, password'],
    ],
    [
      'a type by its prototype',
      { ...threeTokens, factors: [{ ...totp('a'), type: 'constructor' }, totp('b')] },
      ['factors[0].type: must be one of totp, email, backup, yubikey, webauthn, password'],
    ],
    [
      'no type',
      { ...threeTokens, factors: [{ id: 'a', label: 'a' }, totp('b')] },
      ['factors[0].type: required, or any_of'],
    ],
    [
      'type and any_of',
      { ...threeTokens, factors: [{ ...totp('a'), any_of: ['totp'] }, totp('b')] },
      ['factors[0].any_of: not together with type'],
    ],
    [
      'an empty any_of',
      { ...threeTokens, factors: [{ id: 'a', label: 'a', any_of: [] }, totp('b')] },
      ['factors[0].any_of: must have at least 1 entry'],
    ],
    [
      'any_of that repeats',
      { ...threeTokens, factors: [{ id: 'a', label: 'a', any_of: ['totp', 'email', 'totp'] }, totp('b')] },
      ['factors[0].any_of[2]: duplicate of any_of[0]'],
    ],
    [
      'any_of that is no list',
      { ...threeTokens, factors: [{ id: 'a', label: 'a', any_of: 'totp' }, totp('b')] },
      ['factors[0].any_of: must be a list'],
    ],
    [
      'an unknown kind in any_of',
      { ...threeTokens, factors: [{ id: 'a', label: 'a', any_of: ['totp', 'sms'] }, totp('b')] },
      ['factors[0].any_of[1]: must be one of totp, email, backup, yubikey, webauthn, password'],
    ],
    ['both spellings', { ...threeTokens, required_steps: 2 }, ['required_steps: same as requiredSteps']],
    [
      'both spellings of onFailure',
      { ...threeTokens, onFailure: 'reset', on_failure: 'reset' },
      ['on_failure: same as onFailure'],
    ],
    [
      'both spellings of onBreach',
      { ...threeTokens, onBreach: 'reset', on_breach: 'reset' },
      ['on_breach: same as onBreach'],
    ],
    [
      'an unknown onFailure',
      { ...threeTokens, onFailure: 'ignore' },
      ['onFailure: must be one of reset, retry'],
    ],
    [
      'an unknown onBreach',
      { ...threeTokens, on_breach: 'retry' },
      ['on_breach: must be one of refuse, reset'],
    ],
    [
      'an empty id',
      { ...threeTokens, factors: [totp(''), totp('b')] },
      ['factors[0].id: must be 1 to 64 characters, not blank, without control characters'],
    ],
    [
      'a blank id',
      { ...threeTokens, factors: [totp('  '), totp('b')] },
      ['factors[0].id: must be 1 to 64 characters, not blank, without control characters'],
    ],
    [
      'a label of two lines',
      { ...threeTokens, factors: [{ ...totp('a'), label: 'a\nb' }, totp('b')] },
      ['factors[0].label: must be 1 to 100 characters, not blank, without control characters'],
    ],
    [
      'a label that says RESET',
      { ...threeTokens, factors: [{ ...totp('a'), label: 'RESET' }, totp('b')] },
      ['factors[0].label: is a reserved word'],
    ],
    [
      'an id that is a number',
      { ...threeTokens, factors: [{ ...totp('a'), id: 7 }, totp('b')] },
      ['factors[0].id: must be text'],
    ],
    [
      'a factor that is none',
      { ...threeTokens, factors: [null, 'totp', [], totp('b')] },
      ['factors[0]: must be a mapping', 'factors[1]: must be a mapping', 'factors[2]: must be a mapping'],
    ],
    ['factors as an object', { ...threeTokens, factors: { 0: totp('a') } }, ['factors: must be a list']],
    ['nothing', undefined, ['required']],
    ['null', null, ['must be a mapping']],
    ['a list', [threeTokens], ['must be a mapping']],
    ['text', JSON.stringify(threeTokens), ['must be a mapping']],
  ])('refuses %s', (_, input, faults) => {
    expect(faultsOf(input)).toEqual(faults)
  })

  it('names every fault at once, none hiding another', () => {
    const input = {
      mode: 'sideways',
      requiredSteps: 9,
      extra: true,
      factors: [totp('a'), { id: 'a', label: 7, type: 'sms' }, { id: 'a', any_of: [] }],
    }
    expect(faultsOf(input).sort()).toEqual([
      'extra: unknown key',
      'factors[1].id: duplicate of factors[0].id',
      'factors[1].label: must be text',
      'factors[1].type: must be one of totp, email, backup, yubikey, webauthn, password',
      'factors[2].any_of: must have at least 1 entry',
      'factors[2].id: duplicate of factors[0].id',
      'factors[2].label: required',
      'mode: must be one of fixed, random',
      'requiredSteps: must be from 1 to 3, the number of factors',
    ])
  })

  it('stays small on what is huge', () => {
    const many = Array.from({ length: 1_000_000 }, () => ({}))
    expect(faultsOf({ ...threeTokens, factors: many })).toEqual(['factors: must have at most 32 entries'])
    const longId = faultsOf({ ...threeTokens, factors: [totp('x'.repeat(1 << 20)), totp('b')] })
    expect(longId).toHaveLength(2) // its label is as long
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1]))
    const faults = faultsOf({ ...threeTokens, ...keys })
    expect(faults).toHaveLength(101)
    expect(faults.at(-1)).toBe('and 99900 more')
  })

  it('quotes and cuts keys that are no words, and is not fooled by __proto__', () => {
    const input = JSON.parse(`{"a.b\\u001b[2J": 1, "${'k'.repeat(500)}": 1, "__proto__": {"mode": "fixed"}}`)
    const faults = faultsOf({ ...threeTokens, ...input })
    expect(faults[0]).toBe('["a.b\\u001b[2J"]: unknown key')
    expect(faults[1]!.length).toBeLessThan(100)
    expect(faultsOf(JSON.parse('{"__proto__": {"mode": "fixed", "requiredSteps": 1}}'))).toContain(
      'mode: required',
    )
  })
})
