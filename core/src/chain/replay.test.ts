import { describe, expect, it } from 'vitest'
import { type RecordedDecision, replayDecisions } from './replay.ts'
import { parseGatePolicies } from './rules.ts'

const at = Date.parse('2026-11-09T12:00:00Z')
const chain = (requiredSteps: number) => ({
  mode: 'fixed',
  requiredSteps,
  factors: [
    { id: 'app', label: 'App', type: 'totp' },
    { id: 'mail', label: 'Mail', type: 'email' },
  ],
})

const draft = parseGatePolicies({
  policies: [
    { name: 'closed', when: { companies: 'closed' }, action: 'deny' },
    { name: 'open', when: { companies: 'open' }, action: 'allow' },
    { name: 'one', when: { companies: 'one' }, action: 'chain', chain: chain(1) },
    { name: 'two', when: { companies: 'two' }, action: 'chain', chain: chain(2), too_few: 'enrol' },
    { name: 'night', when: { hours: '22:00-06:00' }, action: 'deny' },
  ],
  otherwise: 'allow',
})

const attempt = (
  company: string,
  decided: RecordedDecision['decided'],
  steps = 0,
  more: Partial<RecordedDecision> = {},
) => ({
  at,
  subject: 'alice',
  facts: { subjects: ['alice'], role: 'user', company, gate: 'login', enrolled: ['totp', 'email'] as const },
  decided,
  steps,
  ...more,
})

const groupOf = async (one: RecordedDecision) => {
  const report = await replayDecisions(draft, [one])
  const { denied, steppedUp, letThrough, unchanged } = report
  return Object.entries({
    denied: denied.count,
    steppedUp: steppedUp.count,
    letThrough: letThrough.count,
    unchanged,
  })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

describe('replayDecisions', () => {
  it.each<[string, RecordedDecision['decided'], number, string]>([
    ['closed', 'allow', 0, 'denied'],
    ['closed', 'chain', 2, 'denied'],
    ['closed', 'enrol', 0, 'denied'],
    ['closed', 'deny', 0, 'unchanged'],
    ['open', 'allow', 0, 'unchanged'],
    ['open', 'chain', 1, 'letThrough'],
    ['open', 'deny', 0, 'letThrough'],
    ['one', 'allow', 0, 'steppedUp'],
    ['one', 'chain', 1, 'unchanged'],
    ['one', 'chain', 2, 'letThrough'],
    ['one', 'enrol', 0, 'letThrough'],
    ['one', 'deny', 0, 'letThrough'],
    ['two', 'chain', 1, 'steppedUp'],
    ['two', 'chain', 2, 'unchanged'],
  ])('company %s, once %s of %i steps: %s', async (company, decided, steps, group) => {
    expect(await groupOf(attempt(company, decided, steps))).toBe(`1 ${group}`)
  })

  it('counts having to enrol as stepped up, and as less than a denial', async () => {
    const facts = { ...attempt('two', 'chain').facts, enrolled: ['totp'] as const }
    expect(await groupOf(attempt('two', 'chain', 2, { facts }))).toBe('1 steppedUp')
    expect(await groupOf(attempt('two', 'enrol', 0, { facts }))).toBe('1 unchanged')
    expect(await groupOf(attempt('two', 'deny', 0, { facts }))).toBe('1 letThrough')
  })

  it('decides by the time of the attempt', async () => {
    const night = attempt('other', 'allow', 0, { at: Date.parse('2026-11-09T23:00:00Z') })
    expect(await groupOf(night)).toBe('1 denied')
    expect(await groupOf(attempt('other', 'allow'))).toBe('1 unchanged')
  })

  it('lists who is affected, by which rule, how often and when; from a stream too', async () => {
    async function* stream() {
      for (let i = 0; i < 10_000; i++) {
        yield attempt('closed', 'chain', 1, { subject: i % 10 === 0 ? 'bob' : 'alice', at: at - i })
        yield attempt('one', 'chain', 1)
      }
    }
    const report = await replayDecisions(draft, stream())
    const change = { rule: 'closed', from: { action: 'chain', steps: 1 }, to: { action: 'deny', steps: 0 } }
    expect(report).toEqual({
      total: 20_000,
      unchanged: 10_000,
      denied: {
        count: 10_000,
        changes: [
          { ...change, subject: 'alice', count: 9000, firstAt: at - 9999, lastAt: at - 1 },
          { ...change, subject: 'bob', count: 1000, firstAt: at - 9990, lastAt: at },
        ],
      },
      steppedUp: { count: 0, changes: [] },
      letThrough: { count: 0, changes: [] },
    })
  })

  it('reports nothing of nothing', async () => {
    expect(await replayDecisions(draft, [])).toMatchObject({ total: 0, unchanged: 0, denied: { count: 0 } })
  })
})
