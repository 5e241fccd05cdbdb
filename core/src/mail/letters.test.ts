import { describe, expect, it } from 'vitest'
import type { Letter } from './letter.ts'
import { composeMessage, isMailAddress } from './letters.ts'

const at = Date.parse('2026-11-09T12:00:59Z')
const kinds: Record<Letter['kind'], true> = {
  code: true,
  password_reset: true,
  invitation: true,
  enrolment_link: true,
  factor_added: true,
  factor_removed: true,
  factor_locked: true,
  backup_codes_regenerated: true,
  wrong_factor: true,
  new_place: true,
  password_changed: true,
  device_trusted: true,
  device_copied: true,
}
const compose = (kind: string, facts: Letter['facts']) =>
  composeMessage(
    { to: 'anna@example.org', kind: kind as Letter['kind'], facts: { issuer: 'Acme', ...facts } },
    at,
  )

describe.each(Object.keys(kinds))('a letter of kind %s', (kind) => {
  const full = {
    code: '012345',
    link: 'https://mfa.example/x?t=1',
    until: '2026-11-09 12:10 UTC',
    factor: 'totp',
  }

  it('names the product, the time, and what to do if it was not you', () => {
    const { to, subject, text } = compose(kind, {
      ...full,
      name: 'Phone',
      address: '192.0.2.7',
      device: 'Firefox',
    })
    expect(to).toBe('anna@example.org')
    expect(subject).toContain('Acme')
    expect(text).toContain('Acme\n2026-11-09 12:00 UTC\n')
    expect(text).toMatch(/If (it was not|you did not|you do not)/)
    expect(text).not.toMatch(/undefined|null|\[object/)
    expect(subject).not.toContain('012345')
  })

  it('says no secret that is not its own', () => {
    const { text } = compose(kind, full)
    expect(text.includes('012345')).toBe(kind === 'code')
    const linked = ['password_reset', 'invitation', 'enrolment_link'].includes(kind)
    expect(text.includes('https://')).toBe(linked)
  })

  it('does without the facts that are not known', () => {
    const { text } = composeMessage({ to: 'a@b', kind: kind as Letter['kind'], facts: {} }, at)
    expect(text).not.toMatch(/undefined|null|""|\(\)|, until/)
  })

  it('gives names no line, header or terminal to steer', () => {
    const evil = 'x\r\nBcc: eve@example.org\r\n\r\nBuy\u001b[2J\u202e\u2028\u0000'
    const harmless = compose(kind, { ...full })
    const { subject, text } = compose(kind, {
      ...full,
      issuer: evil,
      name: evil,
      address: evil,
      device: evil,
    })
    expect(subject).not.toMatch(/[\p{C}\p{Zl}]/u)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}]/u)
    expect(text).not.toMatch(/^(Bcc|Buy)/m)
    expect(text.split('\n').length).toBe(harmless.text.split('\n').length)
  })

  it('stays short whatever the names', () => {
    const long = '😀'.repeat(100_000)
    const { subject, text } = compose(kind, {
      ...full,
      issuer: long,
      name: long,
      address: long,
      device: long,
    })
    expect(subject.isWellFormed() && subject.length <= 200).toBe(true)
    expect(text.length).toBeLessThan(3_000)
  })
})

it('knows factors by their types alone', () => {
  expect(compose('factor_added', { factor: 'constructor' }).text).toContain('A factor was added')
  const { text } = compose('factor_removed', { factor: 'webauthn', name: 'Blue key' })
  expect(text).toContain('A passkey or security key named "Blue key" was removed')
})

it('takes one plain address and nothing else', () => {
  for (const address of ['a@b', 'anna.o+mfa@mail.example.org', 'änne@münchen.example']) {
    expect(isMailAddress(address)).toBe(true)
  }
  const refused = [
    '',
    'anna',
    'a@b@c',
    'a@b, eve@example.org',
    'a@b;eve@example.org',
    'Anna <a@b>',
    '"a b"@c',
    'a@b\r\nBcc: eve@example.org',
    'a@b\n',
    ' a@b',
    'a@b\u0000',
    'a(comment)@b',
    `${'a'.repeat(253)}@b`,
  ]
  for (const address of refused) expect(isMailAddress(address), address).toBe(false)
})
