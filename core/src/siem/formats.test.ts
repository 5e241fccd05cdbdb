import { describe, expect, it } from 'vitest'
import type { SiemEvent } from './event.ts'
import { type SiemFormatName, siemFormats } from './formats.ts'
import { hostileEvent, hostileTexts } from './hostile-events.fixture.ts'

const source = { host: 'gate-1', version: '1.2.3' }
const event: SiemEvent = {
  id: 'ledger:7',
  at: Date.UTC(2026, 10, 9, 12),
  type: 'attempt.step_failed',
  severity: 'low',
  address: '192.0.2.7',
  subject: 'ada|=\\]"',
  details: { gate: 'login', time_step: 5, factors: ['totp', 'email'], nothing: null },
}
const names = Object.keys(siemFormats) as SiemFormatName[]
const parsed = (line: string) => JSON.parse(line) as Record<string, unknown>

describe('the formats', () => {
  it('write RFC 5424 with everything as structured data', () => {
    expect(siemFormats.rfc5424(event, source)).toBe(
      '<85>1 2026-11-09T12:00:00.000Z gate-1 sallyport - attempt.step_failed ' +
        '[sallyport@32473 id="ledger:7" severity="low" address="192.0.2.7" subject="ada|=\\\\\\]\\"" ' +
        'gate="login" time_step="5" factors="totp,email"] attempt.step_failed',
    )
  })

  it('write CEF in a syslog header', () => {
    expect(siemFormats.cef(event, source)).toBe(
      '<85>1 2026-11-09T12:00:00.000Z gate-1 sallyport - attempt.step_failed - ' +
        'CEF:0|Sallyport|Sallyport|1.2.3|attempt.step_failed|attempt.step_failed|3|' +
        'rt=1794225600000 externalId=ledger:7 src=192.0.2.7 suser=ada|\\=\\\\]" ' +
        'SallyportGate=login SallyportTimeStep=5 SallyportFactors=totp,email',
    )
  })

  it('write OCSF of the class that fits', () => {
    const line = parsed(siemFormats.ocsf(event, source))
    expect(line).toMatchObject({
      ...{ category_uid: 3, class_uid: 3002, activity_id: 1, type_uid: 300201, status_id: 2, severity_id: 2 },
      metadata: { uid: 'ledger:7', version: '1.5.0', product: { name: 'Sallyport', version: '1.2.3' } },
      ...{ time: event.at, user: { uid: 'ada|=\\]"' }, src_endpoint: { ip: '192.0.2.7' } },
      ...{ service: { name: 'login' }, unmapped: { time_step: 5, factors: ['totp', 'email'] } },
    })
    const classOf = (type: string) => parsed(siemFormats.ocsf({ ...event, type }, source)).class_uid
    expect(
      ['ip_blocked', 'factors.reset', 'apikey.created', 'session.refreshed', 'ledger.checkpoint'].map(
        classOf,
      ),
    ).toEqual([2004, 3001, 3004, 3002, 0])
  })

  it("name a serial gate's technician and device to those who know nothing of our ids", () => {
    const granted = {
      ...event,
      type: 'session.granted',
      subject: 'x7',
      details: { gate: 'serial', device: 'pump', technician: 'alice' },
    }
    expect(siemFormats.rfc5424(granted, source)).toContain('device="pump" technician="alice"')
    expect(siemFormats.cef(granted, source)).toContain(
      ' suser=alice suid=x7 SallyportGate=serial SallyportDevice=pump',
    )
    expect(parsed(siemFormats.ocsf(granted, source))).toMatchObject({
      ...{ activity_id: 1, user: { uid: 'x7', name: 'alice' }, unmapped: { device: 'pump' } },
    })
  })

  it('write plain JSON', () => {
    const { id, type, severity, address, subject, details } = event
    expect(parsed(siemFormats.json(event, source))).toEqual({
      ...{ id, type, severity, address, subject, details, host: 'gate-1', time: '2026-11-09T12:00:00.000Z' },
    })
  })

  describe.each(names)('%s', (name) => {
    it.each(hostileTexts.map((text, index) => [index, text.slice(0, 20), text] as const))(
      'is one harmless line whatever was typed: %i %j',
      (index, _, text) => {
        const hostile = hostileEvent(text, index)
        for (const one of [hostile, { ...hostile, id: text, type: text, address: text }]) {
          const line = siemFormats[name](one, { ...source, host: text })
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
          expect(line.isWellFormed()).toBe(true)
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(8192)
          if (name === 'json' || name === 'ocsf') parsed(line)
        }
      },
    )
  })

  it('lose nothing in JSON but what was cut, which says how long it was', () => {
    const typed = 'a\u0000b\u2028c\u202ed\r\n"\\'
    expect(parsed(siemFormats.json(hostileEvent(typed, 1), source)).subject).toBe(typed)
    const long = parsed(siemFormats.json(hostileEvent('x'.repeat(1_000_000), 1), source)).subject
    expect(long).toMatch(/^x{16,1024}… \[1000000 characters\]$/)
  })

  it('say how many fields were left out', () => {
    const details = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, index]))
    expect(parsed(siemFormats.json({ ...event, details }, source)).details).toMatchObject({
      f39: 39,
      fields_left_out: 10,
    })
    expect(siemFormats.rfc5424({ ...event, details }, source)).toContain(' f39="39" fields_left_out="10"]')
  })

  it('keep a detail apart from our own field of its name', () => {
    const line = siemFormats.rfc5424({ ...event, details: { id: 'forged', subject: 'forged' } }, source)
    expect(line).toContain('id="ledger:7"')
    expect(line).toContain('detail_id="forged" detail_subject="forged"')
  })
})
