import { ProblemError } from '@sallyport/sdk'
import { describe, expect, it } from 'vitest'
import { newPasswordFaults } from '../core/src/session/password-strength.ts'
import { inWords } from '../web/src/admin/ledger/in-words.ts'
import { de } from '../web/src/texts/de.ts'
import { describeProblem } from '../web/src/texts/describe-problem.ts'
import { en } from '../web/src/texts/en.ts'
import { translateFault } from '../web/src/texts/translate-fault.ts'

const retry_at = '2026-01-02T03:04:00.000Z'
const told = (problem: ConstructorParameters<typeof ProblemError>[0], ways: string[] = [], texts = en) =>
  describeProblem(new ProblemError(problem), texts, (at) => at.toISOString().slice(11, 16), ways)
const extra = (code: 'locked' | 'invalid_code', more: object) => ({ code, ...more })

describe('what is said of a wrong code', () => {
  it('is how many attempts are left', () => {
    expect(told(extra('invalid_code', { attempts_left: 3 })).at(-1)).toBe('3 attempts left.')
  })

  it('is until when none is taken, after one too many', () => {
    expect(told(extra('invalid_code', { attempts_left: 0, retry_at }))).toEqual([
      en.problems.invalid_code,
      'Too many wrong codes.',
      'You can try again at 03:04.',
    ])
  })

  it('is that a key still works, where there is one', () => {
    expect(told(extra('locked', { retry_at }), ['totp', 'webauthn'])).toEqual([
      'Too many wrong codes.',
      'You can try again at 03:04.',
      'Your passkey or security key still works.',
    ])
    expect(told(extra('locked', { retry_at }), ['totp'])).toHaveLength(2)
  })

  it('is who helps, where no time does', () => {
    expect(told(extra('locked', {}))).toEqual(['Too many wrong codes.', en.verify.lockedForGood])
  })
})

it('names the step of a longer chain', () => {
  expect(en.verify.passed(1, 2)).toBe('Right. One more step.')
  expect(en.verify.passed(2, 3)).toBe('Right: step 2 of 3 is done.')
  expect(en.verify.reset(3)).toContain('all doors are shut again')
})

it('says in the language of the reader what is wrong with a password', () => {
  const owner = { email: 'rosalind@example.org', ref: 'rosalind' }
  const unfit = ['short', 'x'.repeat(2000), 'abcabcabcabc', 'password2024!', 'rosalind@example.org']
  const errors = unfit.flatMap((password) => newPasswordFaults(password, owner))
  errors.push({ path: 'password', message: 'must differ from the present one' })
  expect(errors).toHaveLength(6)
  const german = told({ code: 'password_unfit', errors }, [], de).map((line) =>
    translateFault(line, de.faults),
  )
  expect(german[1]).toBe('Es braucht mindestens 12 Zeichen und hat 5.')
  for (const { message } of errors) expect(german).not.toContain(message)
})

it.each([
  'ip_blocked',
  'step_up_required',
  'payload_too_large',
  'invalid_api_key',
  'method_not_allowed',
] as const)('says what to do about %s', (code) => {
  for (const texts of [en, de])
    expect(told({ code, detail: 'the detail' }, [], texts)).not.toContain('the detail')
})

it('shows moments of the ledger as dates, and lists as lists', () => {
  const day = (at: Date) => at.toISOString().slice(0, 10)
  expect(inWords(Date.UTC(2026, 0, 2), day)).toBe('2026-01-02')
  expect(inWords(['totp', 'email'], day)).toBe('totp, email')
  expect(inWords({ from: 1, to: [] }, day)).toBe('from: 1; to: –')
  expect(inWords(null, day)).toBe('–')
})
