import { expect, it } from 'vitest'
import { explainDecision, formatExplanation } from './explain.ts'
import { type DecisionFacts, decide, parseGatePolicies } from './rules.ts'

const policies = parseGatePolicies({
  policies: [
    { name: 'night', when: { hours: '22:00-06:00', roles: 'user' }, action: 'deny' },
    {
      name: 'office',
      when: { address: '203.0.113.0/24' },
      action: 'chain',
      chain: {
        mode: 'fixed',
        requiredSteps: 1,
        factors: [
          { id: 'app', label: 'App', type: 'totp' },
          { id: 'spare', label: 'Spare', any_of: ['email', 'backup'] },
        ],
      },
    },
    { name: 'rest', action: 'deny' },
  ],
})

const facts: DecisionFacts = {
  subjects: ['alice'],
  role: 'user',
  company: null,
  gate: 'login',
  address: '203.0.113.7',
  at: Date.parse('2026-11-09T12:00:00Z'),
  enrolled: ['totp', 'email'],
}

it('says of every rule whether it applies and why', () => {
  const { rules, decision } = explainDecision(policies, facts)
  expect(decision).toEqual(decide(policies, facts))
  expect(rules.map(({ name, matches, applies }) => [name, matches, applies])).toEqual([
    ['night', false, false],
    ['office', true, true],
    ['rest', true, false],
  ])
  expect(rules[0]!.conditions).toEqual([
    { name: 'roles', expected: 'user', actual: 'user', matched: true },
    { name: 'hours', expected: '22:00-06:00', actual: '2026-11-09T12:00:00.000Z', matched: false },
  ])
})

it('reads as text', () => {
  expect(formatExplanation(explainDecision(policies, facts))).toEqual([
    'night (deny): does not match',
    '  yes  roles: asks for user; is user',
    '  no   hours: asks for 22:00-06:00; is 2026-11-09T12:00:00.000Z',
    'office (chain): applies',
    '  yes  address: asks for 203.0.113.0/24; is 203.0.113.7',
    'rest (deny): matches, but an earlier rule applies',
    'decision: chain by office, 1 of [totp, any of email] in fixed order',
    '  address: 203.0.113.7 matches 203.0.113.0/24',
  ])
})

it('explains the last resort', () => {
  const none = parseGatePolicies({ policies: [{ name: 'x', when: { risk: '>= 1' }, action: 'allow' }] })
  const explanation = explainDecision(none, facts)
  expect(explanation.rules[0]).toMatchObject({ applies: false, conditions: [{ actual: 'unknown' }] })
  expect(formatExplanation(explanation).slice(-2)).toEqual([
    'decision: deny by otherwise',
    '  no rule matched',
  ])
})

it('lets no name from outside write lines or move the cursor', () => {
  const forged = { ...facts, role: 'user\ndecision: allow\u001b[2J\u2028' }
  for (const line of formatExplanation(explainDecision(policies, forged))) {
    expect(line).not.toMatch(/\p{Cc}|\p{Zl}/u)
  }
})
