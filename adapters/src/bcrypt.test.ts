import { verifyPassword } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { checkBcrypt } from './bcrypt.ts'

const verify = (password: string, hash: string) => verifyPassword(password, hash, checkBcrypt)

describe('bcrypt', () => {
  // Passlib 1.7, test_handlers_bcrypt.py (from John the Ripper, crypt_blowfish 1.2 and py-bcrypt), and its pages
  it.each([
    ['U*U***U', '$2a$05$WY62Xk2TXZ7EvVDQ5fmjNu7b0GEzSzUXUh2cllxJwhtOeMtWV3Ujq'],
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
    ['~!@#$%^&*()      ~!@#$%^&*()PNBFRD', '$2a$10$LgfYWkbzEvQ4JakH7rOvHe0y8pHKF9OaFgwUZ2q7W2FFZmZzJYlfS'],
    ['U*U', 'bcrypt$$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['password', '$bcrypt-sha256$2a,12$LrmaIX5x4TRtAwEfwJZa1.$2ehnw6LvuIUTM0iz4iz9hTxv21B6KFO'],
    ['password', '$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2'],
  ])('verifies %j under %s, and nothing else', async (password, hash) => {
    expect(await verify(password, hash)).toBe(true)
    expect(await verify(`${password}z`, hash)).toBe(false)
  })

  it('is one algorithm under the names 2a, 2b and 2y', async () => {
    const rest = '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
    for (const name of ['$2a', '$2b', '$2y']) expect(await verify('U*U', name + rest)).toBe(true)
  })

  // Passlib's known_incorrect_padding: bits that stand for nothing, set by writers of old
  it.each([
    '$2a$04$oaQbBqq8JnSM1NHRPQGXORY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO',
    '$2a$04$yjDgE74RJkeqC0/1NheSScrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIS',
    '$2a$04$yjDgE74RJkeqC0/1NheSSOrvKeu9IbKDpcQf/Ox3qsrRS/Kw42qIV',
  ])('forgives %s its padding', async (hash) => {
    expect(await verify('test', hash)).toBe(true)
    expect(await verify('tset', hash)).toBe(false)
  })

  it('reads 72 bytes of a password, and none from a NUL on, as bcrypt does', async () => {
    const long = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const hash = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
    expect(await verify(`${long}chars after 72 are ignored`, hash)).toBe(true)
    expect(await verify(long, hash)).toBe(true)
    expect(await verify(long.slice(0, 71), hash)).toBe(false)
    const short = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
    expect(await verify('U*U\0whatever', short)).toBe(true)
  })

  it('leaves the event loop free meanwhile', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    await verify('x', '$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')
    clearInterval(timer)
    expect(turns).toBeGreaterThan(3)
  })
})
