import { describe, expect, it } from 'vitest'
import { SallyportError } from '../errors.ts'
import { factorTypes } from '../factors/factor.ts'
import { type DecisionFacts, decide, defaultLoginPolicies, parseGatePolicies } from './rules.ts'

const chain = {
  mode: 'fixed',
  required_steps: 1,
  factors: [{ id: 'any', label: 'Second factor', any_of: ['totp', 'email', 'backup'] }],
}

const facts: DecisionFacts = {
  subjects: ['s-1', 'Alice@Example.org', '1001'],
  role: 'FINANCE_USER',
  company: 'acme',
  gate: 'login',
  address: '10.1.2.3',
  at: Date.parse('2026-11-09T12:00:00Z'),
  newDevice: true,
  risk: 60,
  enrolled: ['totp'],
}

const matches = (when: object, known: Partial<DecisionFacts> = {}) => {
  const policies = parseGatePolicies({ policies: [{ name: 'only', when, action: 'allow' }] })
  return decide(policies, { ...facts, ...known }).action === 'allow'
}

function faultsOf(input: unknown): string[] {
  try {
    parseGatePolicies(input)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'policy_invalid') throw error
    return error.message.split('\n')
  }
  return []
}

const oneRule = (rule: object) => ({ policies: [{ name: 'r', action: 'allow', ...rule }] })

describe('parseGatePolicies', () => {
  it('reads the documented form', () => {
    const document = {
      policies: [
        {
          name: 'office',
          when: {
            roles: ['FINANCE_USER'],
            companies: ['acme'],
            subjects: ['alice@example.org'],
            gate: 'login',
            address: ['10.0.0.0/8', '2001:db8::/32'],
            hours: 'Mon-Fri 08:00-18:00 Europe/London',
            new_device: true,
            risk: '>= 60',
          },
          action: 'chain',
          chain,
          too_few: 'deny',
        },
      ],
      otherwise: 'deny',
    }
    const policies = parseGatePolicies(document)
    expect(decide(policies, facts)).toMatchObject({ rule: 'office', action: 'chain' })
    expect(policies.otherwise).toBe('deny')
    expect(Object.isFrozen(policies.rules[0]!.when)).toBe(true)
  })

  it('takes a bare chain for one rule that always applies', () => {
    expect(decide(parseGatePolicies(chain), facts)).toMatchObject({ rule: 'default', action: 'chain' })
    expect(faultsOf({ ...chain, required_steps: 2 })).toEqual([
      'required_steps: must be from 1 to 1, the number of factors',
    ])
    expect(faultsOf({ ...chain, otherwise: 'allow' })).toEqual(['otherwise: unknown key'])
  })

  it.each<[string, unknown, string[]]>([
    [
      'an unknown key',
      { policies: [{ name: 'r', action: 'allow', unless: 1 }] },
      ['policies[0].unless: unknown key'],
    ],
    ['an unknown condition', oneRule({ when: { country: 'DE' } }), ['policies[0].when.country: unknown key']],
    ['a document with both forms', { ...oneRule({}), mode: 'fixed' }, ['mode: unknown key']],
    ['no rules', { policies: [] }, ['policies: must have at least 1 entry']],
    ['too many rules', { policies: Array(201).fill({}) }, ['policies: must have at most 200 entries']],
    [
      'an unknown action',
      oneRule({ action: 'maybe' }),
      ['policies[0].action: must be one of allow, deny, chain'],
    ],
    ['no action', { policies: [{ name: 'r', chain }] }, ['policies[0].action: required']],
    ['no name', { policies: [{ action: 'deny' }] }, ['policies[0].name: required']],
    ['a reserved name', oneRule({ name: 'otherwise' }), ['policies[0].name: is a reserved word']],
    [
      'a name twice',
      { policies: [...oneRule({}).policies, ...oneRule({}).policies] },
      ['policies[1].name: duplicate of policies[0].name'],
    ],
    ['a chain action without a chain', oneRule({ action: 'chain' }), ['policies[0].chain: required']],
    [
      'a chain with a fault',
      oneRule({ action: 'chain', chain: { ...chain, mode: 'x' } }),
      ['policies[0].chain.mode: must be one of fixed, random'],
    ],
    [
      'a chain that is none',
      oneRule({ action: 'chain', chain: 'totp' }),
      ['policies[0].chain: must be a mapping'],
    ],
    [
      'a chain where none is asked for',
      oneRule({ chain, too_few: 'enrol' }),
      ['policies[0].chain: only with action chain', 'policies[0].too_few: only with action chain'],
    ],
    [
      'an unknown too_few',
      oneRule({ action: 'chain', chain, too_few: 'allow' }),
      ['policies[0].too_few: must be one of deny, enrol, enforcement'],
    ],
    [
      'an unknown last resort',
      { ...oneRule({}), otherwise: 'chain' },
      ['otherwise: must be one of allow, deny'],
    ],
    [
      'an address that is none',
      oneRule({ when: { address: ['acme', '10.0.0.0/8', '10.0.0.0/40'] } }),
      [
        'policies[0].when.address[0]: not an address range',
        'policies[0].when.address[2]: not an address range',
      ],
    ],
    [
      'a single address that is none',
      oneRule({ when: { address: 'acme' } }),
      ['policies[0].when.address: not an address range'],
    ],
    [
      'hours that are none',
      oneRule({ when: { hours: ['always'] } }),
      ['policies[0].when.hours[0]: not a span of hours such as "Mon-Fri 08:00-18:00 Europe/London"'],
    ],
    [
      'a risk that is none',
      oneRule({ when: { risk: '> 60' } }),
      ['policies[0].when.risk: must be ">= N" with N from 0 to 100'],
    ],
    [
      'a risk out of range',
      oneRule({ when: { risk: '>= 101' } }),
      ['policies[0].when.risk: must be ">= N" with N from 0 to 100'],
    ],
    [
      'an empty list',
      oneRule({ when: { roles: [] } }),
      ['policies[0].when.roles: must have at least 1 entry'],
    ],
    [
      'wrong types',
      oneRule({ when: { roles: [1], companies: true, new_device: 'yes', risk: 60, gate: { a: 1 } } }),
      [
        'policies[0].when.roles[0]: must be text',
        'policies[0].when.companies: must be text',
        'policies[0].when.gate: must be text',
        'policies[0].when.new_device: must be true or false',
        'policies[0].when.risk: must be text',
      ],
    ],
    ['an empty when:', oneRule({ when: null }), ['policies[0].when: must be a mapping']],
    ['nothing', null, ['must be a mapping']],
    ['a list', [chain], ['must be a mapping']],
    ['an empty document', {}, ['policies: required']],
  ])('refuses %s', (_, input, faults) => {
    expect(faultsOf(input)).toEqual(faults)
  })

  it('stays small on what is huge', () => {
    const nested: { a?: unknown } = {}
    nested.a = nested // as YAML anchors allow
    expect(faultsOf({ policies: [nested] })[0]).toBe('policies[0].name: required')
    const addresses = Array(1_000_000).fill('x')
    expect(faultsOf(oneRule({ when: { address: addresses } }))).toEqual([
      'policies[0].when.address: must have at most 1000 entries',
    ])
  })
})

describe('conditions', () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ roles: 'FINANCE_USER' }, true],
    [{ roles: ['user', 'FINANCE_USER'] }, true],
    [{ roles: 'finance_user' }, false],
    [{ companies: ['acme'] }, true],
    [{ companies: ['other'] }, false],
    [{ subjects: ['alice@EXAMPLE.org'] }, true],
    [{ subjects: ['1001'] }, true],
    [{ subjects: ['bob@example.org'] }, false],
    [{ gate: 'login' }, true],
    [{ gate: ['service', 'serial'] }, false],
    [{ address: '10.0.0.0/8' }, true],
    [{ address: ['192.0.2.0/24', '10.1.2.3'] }, true],
    [{ address: '::ffff:10.0.0.0/104' }, true],
    [{ address: '::/0' }, false],
    [{ hours: 'Mon 11:00-13:00' }, true],
    [{ hours: ['Tue 11:00-13:00', 'Mon 12:00-12:01'] }, true],
    [{ hours: 'Mon 13:00-14:00' }, false],
    [{ new_device: true }, true],
    [{ new_device: false }, false],
    [{ risk: '>= 60' }, true],
    [{ risk: '>=0' }, true],
    [{ risk: '>= 61' }, false],
    [{ roles: 'FINANCE_USER', companies: 'other' }, false],
  ])('%j: %s', (when, expected) => {
    expect(matches(when)).toBe(expected)
  })

  it('takes a mapped address for the one it carries', () => {
    expect(matches({ address: '10.0.0.0/8' }, { address: '::ffff:10.9.9.9' })).toBe(true)
  })

  it.each<[object, Partial<DecisionFacts>]>([
    [{ address: ['0.0.0.0/0', '::/0'] }, { address: null }],
    [{ address: ['0.0.0.0/0', '::/0'] }, { address: 'not an address' }],
    [{ address: ['0.0.0.0/0', '::/0'] }, { address: '' }],
    [{ risk: '>= 0' }, { risk: null }],
    [{ new_device: false }, { newDevice: null }],
    [{ new_device: true }, { newDevice: null }],
    [{ companies: ['null', 'acme'] }, { company: null }],
    [{ roles: 'user' }, { role: null }],
    [{ subjects: ['s-1'] }, { subjects: [] }],
  ])('%j does not match what is unknown', (when, known) => {
    expect(matches(when, known)).toBe(false)
  })

  it('does not match facts that were never given', () => {
    const { address, newDevice, risk, ...known } = facts
    const rules = [{ address: '10.0.0.0/8' }, { new_device: newDevice }, { risk: `>= ${risk}` }]
    const policies = parseGatePolicies({
      policies: rules.map((when, i) => ({ name: `${i}`, when, action: 'allow' })),
    })
    expect(address).toBe('10.1.2.3')
    expect(decide(policies, known).rule).toBe('otherwise')
  })
})

describe('decide', () => {
  const policies = parseGatePolicies({
    policies: [
      { name: 'blocked', when: { subjects: 'mallory' }, action: 'deny' },
      {
        name: 'risky',
        when: { risk: '>= 80' },
        action: 'chain',
        chain: {
          mode: 'random',
          required_steps: 2,
          factors: [
            { id: 'app', label: 'App', type: 'totp' },
            { id: 'key', label: 'Key', type: 'webauthn' },
            { id: 'other', label: 'Other', any_of: ['email', 'backup'] },
          ],
        },
        too_few: 'enrol',
      },
      { name: 'inside', when: { address: '10.0.0.0/8' }, action: 'allow' },
      { name: 'all', when: { gate: 'login' }, action: 'chain', chain },
    ],
  })

  it('applies the first rule that matches', () => {
    expect(decide(policies, { ...facts, subjects: ['mallory'], risk: 90 })).toMatchObject({
      rule: 'blocked',
      action: 'deny',
    })
    expect(decide(policies, facts)).toMatchObject({ rule: 'inside', action: 'allow' })
    expect(decide(policies, { ...facts, address: '192.0.2.1' })).toMatchObject({
      rule: 'all',
      action: 'chain',
    })
  })

  it('falls to the last resort, which is deny unless configured', () => {
    const stranger = { ...facts, address: null, gate: 'serial' }
    expect(decide(policies, stranger)).toEqual({
      rule: 'otherwise',
      action: 'deny',
      reasons: ['no rule matched'],
    })
    const open = parseGatePolicies({
      policies: [{ name: 'x', when: { gate: 'y' }, action: 'deny' }],
      otherwise: 'allow',
    })
    expect(decide(open, facts).action).toBe('allow')
  })

  it.each([
    ['optional', 'allow', 'no second factor is demanded'],
    ['grace', 'allow', 'the time to enrol one still runs'],
    ['satisfied', 'enrol', '0 of 1 steps can be passed'],
    ['must_enrol', 'enrol', '0 of 1 steps can be passed'],
    [null, 'enrol', '0 of 1 steps can be passed'],
  ] as const)('leaves too few factors to the enforcement: %s is %s', (enforcement, action, reason) => {
    const bare = { ...facts, enrolled: [], enforcement }
    const decision = decide(defaultLoginPolicies, bare)
    expect(decision).toMatchObject({ rule: 'default', action })
    expect(decision.reasons).toContain(reason)
    const enrols = parseGatePolicies({
      policies: [{ name: 'all', action: 'chain', chain, too_few: 'enrol' }],
    })
    expect(decide(enrols, bare).action).toBe('enrol')
  })

  it('lets nobody in without the second factor whose time to be enrolled is over', () => {
    const inside = parseGatePolicies({
      policies: [{ name: 'inside', when: { address: '10.0.0.0/8' }, action: 'allow' }],
      otherwise: 'allow',
    })
    for (const address of ['10.1.2.3', '192.0.2.1']) {
      const decision = decide(inside, { ...facts, address, enrolled: [], enforcement: 'must_enrol' })
      expect(decision).toMatchObject({ action: 'enrol' })
      expect(decision.reasons.at(-1)).toContain('the time to enrol it is over')
    }
  })

  it('asks one thing for one step: two TOTP steps need two authenticators', () => {
    const chain = (requiredSteps: number) =>
      parseGatePolicies({
        mode: 'fixed',
        requiredSteps,
        factors: [
          { id: 'any', label: 'Any', any_of: ['totp', 'backup'] },
          { id: 'phone', label: 'Phone', type: 'totp' },
          { id: 'tablet', label: 'Tablet', type: 'totp' },
        ],
      })
    const left = (enrolled: DecisionFacts['enrolled']) => {
      const decision = decide(chain(2), { ...facts, enrolled })
      return decision.action === 'chain' ? decision.chain.factors.map(({ id }) => id) : decision.action
    }
    expect(left(['totp'])).toBe('deny')
    expect(left(['totp', 'backup'])).toEqual(['any', 'phone'])
    expect(left(['totp', 'totp'])).toEqual(['any', 'phone'])
    expect(left(['totp', 'backup', 'totp'])).toEqual(['any', 'phone', 'tablet'])
  })

  it('leaves out of the chain what the subject lacks', () => {
    const decision = decide(policies, { ...facts, risk: 80, enrolled: ['totp', 'backup', 'totp'] })
    expect(decision).toMatchObject({
      rule: 'risky',
      action: 'chain',
      chain: {
        mode: 'random',
        requiredSteps: 2,
        factors: [{ id: 'app' }, { id: 'other', any_of: ['backup'] }],
      },
      reasons: ['risk: 80 matches >= 80', 'step key is left out: no webauthn is enrolled for it'],
    })
    expect(policies.rules[1]).toMatchObject({ chain: { factors: { length: 3 } } })
  })

  it('denies, or has the subject enrol, when too few are left', () => {
    const risky = decide(policies, { ...facts, risk: 80 })
    expect(risky).toMatchObject({ rule: 'risky', action: 'enrol' })
    expect(risky.reasons.at(-1)).toBe('1 of 2 steps can be passed')
    expect(risky).not.toHaveProperty('chain')
    expect(decide(policies, { ...facts, address: null, enrolled: [] })).toMatchObject({
      rule: 'all',
      action: 'deny',
    })
  })

  it('does not fall through to a laxer rule when too few are left', () => {
    const strictFirst = parseGatePolicies({
      policies: [
        { name: 'strict', action: 'chain', chain },
        { name: 'lax', action: 'allow' },
      ],
    })
    expect(decide(strictFirst, { ...facts, enrolled: ['webauthn'] })).toMatchObject({
      rule: 'strict',
      action: 'deny',
    })
  })
})

describe('defaultLoginPolicies', () => {
  it('asks for one step, by any of what is enrolled', () => {
    for (const kind of factorTypes) {
      const decision = decide(defaultLoginPolicies, { ...facts, enrolled: [kind] })
      if (kind === 'password') expect(decision.action).toBe('enrol')
      else
        expect(decision).toMatchObject({
          action: 'chain',
          chain: { requiredSteps: 1, factors: [{ any_of: [kind] }] },
        })
    }
    expect(decide(defaultLoginPolicies, { ...facts, enrolled: [] })).toMatchObject({
      rule: 'default',
      action: 'enrol',
    })
  })
})
