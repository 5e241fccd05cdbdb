import { describe, expect, it } from 'vitest'
import type { FactorType } from '../factors/factor.ts'
import type { Enrolment } from '../store.ts'
import { canRemoveFactor, defaultEnforcement, type Enforcement, judgeEnforcement } from './enforcement.ts'

const day = 24 * 3_600_000
const now = Date.parse('2026-11-09T12:00:00Z')
const week = 7 * day
const everyone: Enforcement = { required: true, grace: week, roles: {} }
const admins: Enforcement = {
  required: false,
  grace: week,
  roles: { admin: { required: true, grace: 2 * day } },
}

const judge = (
  enforcement: Enforcement,
  facts: { role?: string; since?: number | null; hasFactor?: boolean; at?: number },
) => {
  const { role = 'user', since = null, hasFactor = false, at = now } = facts
  return judgeEnforcement(enforcement, { subject: { role, requiredSince: since }, hasFactor, now: at })
}

describe('enforcement', () => {
  it('asks nothing of anybody unless configured', () => {
    const free = { required: false, graceUntil: null, requiredSince: null }
    expect(judge(defaultEnforcement, {})).toEqual({ ...free, state: 'optional' })
    expect(judge(defaultEnforcement, { hasFactor: true })).toEqual({ ...free, state: 'satisfied' })
  })

  it('measures the grace from the day the person fell under the rule', () => {
    const graceUntil = now + week
    expect(judge(everyone, {})).toEqual({ required: true, state: 'grace', graceUntil, requiredSince: now })
    expect(judge(everyone, { since: now, at: now + week - 1 })).toMatchObject({ state: 'grace', graceUntil })
    const over = { required: true, state: 'must_enrol', graceUntil: null, requiredSince: now }
    expect(judge(everyone, { since: now, at: now + week })).toEqual(over)
  })

  it('gives no grace where its length is 0', () => {
    expect(judge({ ...everyone, grace: 0 }, {})).toMatchObject({ state: 'must_enrol' })
  })

  it('is satisfied by a factor, and remembers the day for when it is lost', () => {
    const judged = judge(everyone, { hasFactor: true })
    expect(judged).toEqual({ required: true, state: 'satisfied', graceUntil: null, requiredSince: now })
    expect(judge(everyone, { since: judged.requiredSince, at: now + week })).toMatchObject({
      state: 'must_enrol',
    })
  })

  it('has rules for roles, which stand in the place of the general one', () => {
    expect(judge(admins, { role: 'admin' })).toMatchObject({ state: 'grace', graceUntil: now + 2 * day })
    expect(judge(admins, { role: 'user' })).toMatchObject({ required: false })
    const exempt = { ...everyone, roles: { kiosk: { required: false, grace: 0 } } }
    expect(judge(exempt, { role: 'kiosk' })).toMatchObject({ required: false })
    for (const role of ['constructor', '__proto__', 'toString']) {
      expect(judge(everyone, { role })).toMatchObject({ state: 'grace', graceUntil: now + week })
    }
  })

  it('forgets the day when the person falls under no rule any more', () => {
    expect(judge(admins, { role: 'user', since: now - week })).toMatchObject({ requiredSince: null })
  })

  it('never grants more than its length when the clock is set back', () => {
    const ahead = judge(everyone, { since: now + 365 * day })
    expect(ahead).toMatchObject({ state: 'grace', graceUntil: now + week, requiredSince: now })
    expect(judge(everyone, { since: ahead.requiredSince, at: now + week })).toMatchObject({
      state: 'must_enrol',
    })
  })
})

describe('removing a factor', () => {
  const held = (...kinds: FactorType[]) => kinds.map((factor) => ({ id: factor, factor }) as Enrolment)
  const may = (active: Enrolment[], enrolmentId: string, enforcement = everyone) =>
    canRemoveFactor(enforcement, { subject: { role: 'user' }, active, enrolmentId })

  it('leaves the last one where one is demanded', () => {
    expect(may(held('password', 'totp', 'backup'), 'totp')).toBe(false)
    expect(may(held('password', 'totp', 'webauthn'), 'totp')).toBe(true)
    expect(may(held('password', 'totp'), 'totp', defaultEnforcement)).toBe(true)
  })

  it('lets go of what is no second factor', () => {
    expect(may(held('password', 'totp', 'backup'), 'backup')).toBe(true)
  })
})
