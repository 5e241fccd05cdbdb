import { describe, expect, it } from 'vitest'
import { parseHours } from './hours.ts'

const at = (text: string, iso: string) => parseHours(text)!.includes(Date.parse(iso))

describe('parseHours', () => {
  it('covers from the first minute up to, not including, the last', () => {
    const office = 'Mon-Fri 08:00-18:00'
    expect(at(office, '2026-11-09T08:00:00Z')).toBe(true) // a Monday
    expect(at(office, '2026-11-09T07:59:59.999Z')).toBe(false)
    expect(at(office, '2026-11-09T17:59:59.999Z')).toBe(true)
    expect(at(office, '2026-11-09T18:00:00Z')).toBe(false)
    expect(at(office, '2026-11-08T12:00:00Z')).toBe(false) // a Sunday
  })

  it('reads the time where the zone is, through its changes', () => {
    const london = 'Mon-Fri 08:00-18:00 Europe/London'
    expect(at(london, '2026-07-06T07:30:00Z')).toBe(true) // 08:30 in summer time
    expect(at(london, '2026-11-09T07:30:00Z')).toBe(false)
    const tokyo = 'Mon 00:00-24:00 Asia/Tokyo'
    expect(at(tokyo, '2026-11-08T15:00:00Z')).toBe(true) // Monday there, Sunday in UTC
    expect(at(tokyo, '2026-11-09T15:00:00Z')).toBe(false)
  })

  it('runs over midnight, and belongs to the day it begins on', () => {
    const night = 'Fri 22:00-06:00'
    expect(at(night, '2026-11-06T21:59:00Z')).toBe(false)
    expect(at(night, '2026-11-06T22:00:00Z')).toBe(true)
    expect(at(night, '2026-11-07T05:59:00Z')).toBe(true)
    expect(at(night, '2026-11-07T06:00:00Z')).toBe(false)
    expect(at(night, '2026-11-07T22:00:00Z')).toBe(false)
    expect(at(night, '2026-11-06T05:00:00Z')).toBe(false)
    expect(at('Sun 22:00-06:00', '2026-11-09T01:00:00Z')).toBe(true)
  })

  it('takes days alone, in lists, over the end of the week, or all', () => {
    const monday = '2026-11-09T12:00:00Z'
    const wednesday = '2026-11-11T12:00:00Z'
    expect(at('mon 00:00-24:00', monday)).toBe(true)
    expect(at('Mon,Wed-Thu 00:00-24:00', wednesday)).toBe(true)
    expect(at('Sat-Mon 00:00-24:00', monday)).toBe(true)
    expect(at('Sat-Mon 00:00-24:00', wednesday)).toBe(false)
    expect(at('08:00-18:00', wednesday)).toBe(true)
    expect(at('08:00-18:00', '2026-11-11T19:00:00Z')).toBe(false)
  })

  it.each([
    '',
    'always',
    '8:00-18:00',
    '08:00',
    '08:00-08:00',
    '08:00-25:00',
    '08:60-09:00',
    '24:00-06:00',
    '08:00-24:01',
    'Mon-Fri',
    'Mon-Foo 08:00-18:00',
    'Mon- 08:00-18:00',
    'Monday 08:00-18:00',
    'Mon-Wed-Fri 08:00-18:00',
    'Mon, Tue 08:00-18:00',
    '08:00-18:00 Mars/Olympus',
    '08:00-18:00 Europe/London x',
    ' 08:00-18:00',
    '08:00-18:00\n',
    `${'Mon,'.repeat(1 << 18)}Tue 08:00-18:00`,
  ])('refuses %j', (text) => {
    expect(parseHours(text)).toBeNull()
  })
})
