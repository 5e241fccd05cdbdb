import { describe, expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { hashPassword, passwordFaults, verifyPassword } from './password.ts'

describe.each(['argon2id', 'pbkdf2-sha256'] as const)('a password hashed with %s', (scheme) => {
  it('verifies the same password and no other', async () => {
    const phc = await hashPassword('correct horse battery', { scheme, random: systemRandom })
    expect(await verifyPassword('correct horse battery', phc)).toBe(true)
    expect(await verifyPassword('correct horse batterz', phc)).toBe(false)
    expect(await verifyPassword('', phc)).toBe(false)
    expect(phc).toMatch(new RegExp(`^\\$${scheme}\\$`))
    expect(phc).not.toContain('correct')
  })

  it('has a salt of its own', async () => {
    const hash = () => hashPassword('correct horse battery', { scheme, random: systemRandom })
    expect(await hash()).not.toBe(await hash())
  })
})

// The reference implementation's own vector for these parameters (P-H-C/phc-winner-argon2, src/test.c).
it('agrees with the reference implementation of argon2id', async () => {
  const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  expect(await verifyPassword('password', phc)).toBe(true)
})

it.each(['', 'plain', '$2b$12$abc', '$argon2id$v=19$m=1,t=1,p=1$$', '$md5$x$c2FsdA$aGFzaA'])(
  'refuses the unknown hash %j',
  async (phc) => {
    await expect(verifyPassword('x', phc)).rejects.toMatchObject({ code: 'invalid_input' })
  },
)

it('asks for twelve characters at least and 256 at most, counted as people count', () => {
  expect(passwordFaults('short')).toEqual([
    { path: 'password', message: 'must have at least 12 characters, has 5' },
  ])
  expect(passwordFaults('🦊🦊🦊🦊🦊🦊')).toHaveLength(1)
  expect(passwordFaults('twelve chars')).toEqual([])
  expect(passwordFaults('x'.repeat(257))).toHaveLength(1)
})
