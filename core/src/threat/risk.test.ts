import { describe, expect, it } from 'vitest'
import { assessRisk, type Place, type RiskQuestion, type SignInFacts } from './risk.ts'

const hour = 3_600_000
const noon = Date.UTC(2026, 10, 20, 12)
const london: Place = { country: 'GB', latitude: 51.5, longitude: -0.13 }
const paris: Place = { country: 'FR', latitude: 48.86, longitude: 2.35 }
const tokyo: Place = { country: 'JP', latitude: 35.68, longitude: 139.69 }

function signIn(more: Partial<SignInFacts> = {}): SignInFacts {
  return { at: noon, network: '192.0.2.1', place: london, device: 'Firefox on Linux', ...more }
}

/** Twelve days of signing in at noon. */
const history = Array.from({ length: 12 }, (_, day) => signIn({ at: noon - (day + 1) * 24 * hour }))

function assess(more: Partial<RiskQuestion> = {}) {
  const question = {
    signIn: signIn(),
    deviceTrusted: false,
    history,
    failuresAtAddress: 0,
    attacks: [],
    ...more,
  }
  const { score, reasons } = assessRisk(question)
  expect(score).toBe(
    Math.min(
      100,
      reasons.reduce((sum, { points }) => sum + points, 0),
    ),
  )
  return reasons.map(({ reason }) => reason)
}

describe('a sign-in', () => {
  it('like all others has no risk, nor has the very first', () => {
    expect(assess()).toEqual([])
    expect(assess({ history: [] })).toEqual([])
  })

  it('from another browser has, unless that is trusted', () => {
    const other = signIn({ device: 'Chrome on Windows' })
    expect(assess({ signIn: other })).toEqual(['new_device'])
    expect(assess({ signIn: other, deviceTrusted: true })).toEqual([])
  })

  it('from another network or country has', () => {
    expect(assess({ signIn: signIn({ network: '198.51.100.1' }) })).toEqual(['new_network'])
    expect(assess({ signIn: signIn({ place: paris }) })).toEqual(['new_country'])
    expect(assess({ signIn: signIn({ place: null }) })).toEqual([])
    expect(assess({ history: history.map((before) => ({ ...before, place: null })) })).toEqual([])
  })

  it('from where nobody can be so soon has, also with the clock set back', () => {
    const [last] = history
    const soon = (at: number, place: Place) => assess({ signIn: signIn({ at, place }), history: [last!] })
    expect(soon(last!.at + hour, tokyo)).toContain('impossible_travel')
    expect(soon(last!.at - hour, tokyo)).toContain('impossible_travel')
    expect(soon(last!.at, tokyo)).toContain('impossible_travel')
    expect(soon(last!.at + 14 * hour, tokyo)).not.toContain('impossible_travel')
    expect(soon(last!.at + hour / 60, paris)).not.toContain('impossible_travel')
  })

  it('at an hour unlike any other has, once there is a habit', () => {
    const night = signIn({ at: noon + 12 * hour })
    expect(assess({ signIn: night })).toEqual(['unusual_hour'])
    expect(assess({ signIn: night, history: history.slice(0, 9) })).toEqual([])
    expect(assess({ signIn: signIn({ at: noon + 2 * hour }) })).toEqual([])
    const midnights = history.map((before) => ({ ...before, at: before.at + 11.5 * hour }))
    expect(assess({ signIn: signIn({ at: noon + 13 * hour }), history: midnights })).toEqual([])
  })

  it('amid failures and attacks has, up to all there is', () => {
    expect(assess({ attacks: ['spraying', 'spraying'], failuresAtAddress: 1 })).toEqual([
      'spraying',
      'address_failures',
    ])
    const everything = {
      signIn: signIn({ network: 'x', device: 'x', place: tokyo, at: noon - 12 * hour }),
      attacks: ['spraying', 'many_addresses'],
      failuresAtAddress: 1_000,
    } as const
    expect(assessRisk({ deviceTrusted: false, history, ...everything }).score).toBe(100)
  })
})
