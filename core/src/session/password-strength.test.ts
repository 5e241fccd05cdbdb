import { describe, expect, it } from 'vitest'
import { newPasswordFaults } from './password-strength.ts'

const owner = { email: 'ada.lovelace@example.org', ref: 'ada.lovelace@example.org' }
const fits = (password: string) => newPasswordFaults(password, owner).length === 0

describe('a new password', () => {
  it.each([
    ['too short', 'Zm4!kq9(xBt'],
    ['a common one of twelve characters and more', 'iloveyouforever'],
    ['a common one in capitals, with a year', 'LIVERPOOL-2026'],
    ['a common one in leet, dressed up', '!!P@ssw0rd2026'],
    ['a common one twice', 'letmeinletmein'],
    ['one character', 'zzzzzzzzzzzzzzzz'],
    ['few characters', 'ababbabbaabab'],
    ['a short unit again and again', 'xk9txk9txk9t'],
    ['a sequence', 'abcdefghijklmn'],
    ['a sequence backwards', '987654321098765'],
    ['a row of the keyboard', 'qwertyuiop12'],
    ['columns of the keyboard', '1qaz2wsx3edc4rfv'],
    ['its owner’s address', 'Ada.Lovelace@example.org'],
    ['its owner’s name and a number', 'ada.lovelace1815'],
    ['longer than any person types', 'ab3!'.repeat(100)],
  ])('is not %s', (_, password) => {
    const faults = newPasswordFaults(password, owner)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatchObject({ path: 'password', message: expect.stringMatching(/^(must|is) /) })
  })

  it.each([
    'correct horse battery staple',
    'Zm4!kq9(xBtw',
    'my dragon eats 3 pizzas',
    'ada.lovelace likes numbers',
    'were reeds asserted here',
    'пароль для входа домой',
    '🦊🐢🎻🌋🧭🪁🛶🧶🪴🥁🦑🍋',
  ])('may be %s', (password) => expect(fits(password)).toBe(true))

  it('is judged as fast when it is as long as can be', () => {
    const started = performance.now()
    for (let round = 0; round < 100; round++) newPasswordFaults('a1'.repeat(128), owner)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
