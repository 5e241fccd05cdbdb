import { describe, expect, it } from 'vitest'
import { verifyPassword } from '../password.ts'
import { parsePasswordHash } from './password-hashes.ts'

/** Each from the source named: Django's tests/auth_tests/test_hashers.py, Passlib's tests and pages, and so on. */
const published = [
  // Django 4.1
  ['lètmein', 'pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c='],
  ['lètmein', 'pbkdf2_sha1$390000$seasalt2$aDapRanzW8aHTz97v2TcfHzWD+I='],
  ['secret', 'argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q'],
  ['secret', 'argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw'],
  [
    'lètmein',
    'scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==',
  ],
  // Passlib 1.7, test_handlers_pbkdf2.py and test_handlers_scrypt.py
  ['password', '$pbkdf2$1212$OB.dtnSEXZK8U5cgxU/GYQ$y5LKPOplRmok7CZp/aqVDVg8zGI'],
  ['password', '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ'],
  [
    'password',
    '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww',
  ],
  ['password', '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI'],
  ['nacl', '$scrypt$ln=1,r=4,p=2$yhnD+J+Tci4lZCwFgHCuVQ$fAsEWmxSHuC0cHKMwKVFPzrQukgvK09Sj+NueTSxKds'],
  // libxcrypt, and unix-scrypt.txt
  ['pleaseletmein', '$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D'],
  ['pleaseletmein', '$7$06..../....SodiumChloride$ENlyo6fGw4PCcDBOFepfSZjFUnVatHzCcW55.ZGz3B0'],
  // the reference implementation of Argon2, src/test.c
  ['password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
] as const

describe('a hash from elsewhere', () => {
  it.each(published)('verifies %j under %s, and nothing else', async (password, hash) => {
    expect(await verifyPassword(password, hash)).toBe(true)
    expect(await verifyPassword(`${password}z`, hash)).toBe(false)
  })

  it('agrees with the second vector of RFC 6070', async () => {
    const hash = Buffer.from('ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957', 'hex').toString('base64')
    expect(await verifyPassword('password', `pbkdf2_sha1$2$salt$${hash}`)).toBe(true)
  })

  const salt = 'A'.repeat(22)
  const tag = 'A'.repeat(43)
  const bcrypt = `${'.'.repeat(22)}${'A'.repeat(31)}`

  it.each([
    ['bcrypt of cost 16', `$2b$16$${bcrypt}`],
    ['bcrypt of cost 31, as Django spells it', `bcrypt_sha256$$2b$31$${bcrypt}`],
    ['bcrypt of cost 3', `$2b$03$${bcrypt}`],
    ['scrypt of a gigabyte', `$scrypt$ln=20,r=8,p=1$${salt}$${tag}`],
    ['scrypt in a thousand lanes', `$scrypt$ln=14,r=8,p=1000$${salt}$${tag}`],
    ['scrypt of an N that is no power of two', `scrypt$16385$salt$8$1$${tag}`],
    ['scrypt of N = 1', `scrypt$1$salt$8$1$${tag}`],
    ['scrypt in crypt form with all that can be said', `$7$zzzzzzzzzzzsalt$${tag}`],
    ['argon2id of 257 MiB', `$argon2id$v=19$m=263168,t=1,p=1$${salt}$${tag}`],
    ['argon2id of a thousand passes', `$argon2id$v=19$m=65536,t=1000,p=1$${salt}$${tag}`],
    ['argon2id in more lanes than memory', `$argon2id$v=19$m=16,t=1,p=4$${salt}$${tag}`],
    ['argon2id of nothing', `$argon2id$v=19$m=0,t=0,p=0$${salt}$${tag}`],
    ['PBKDF2 of five million and one', `$pbkdf2-sha256$i=5000001$${salt}$${tag}`],
    ['PBKDF2 of many blocks', `$pbkdf2$2500001$${salt}$${tag}`],
    ['PBKDF2 of no iterations', `pbkdf2_sha256$0$salt$${tag}=`],
    ['a number beyond all numbers', `$pbkdf2-sha256$i=${'9'.repeat(400)}$${salt}$${tag}`],
    ['a hash of 8 bytes', `$pbkdf2-sha256$i=1000$${salt}$AAAAAAAAAAA`],
    ['a hash of 200 bytes', `$pbkdf2-sha256$i=1000$${salt}$${'A'.repeat(267)}`],
    ['a megabyte', `$pbkdf2-sha256$i=1000$${salt}$${'A'.repeat(1 << 20)}`],
    ['argon2 as it was before version 19', `argon2$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$${tag}`],
    ['argon2d', `$argon2d$v=19$m=65536,t=2,p=1$${salt}$${tag}`],
    ['bcrypt of the broken kind', `$2x$10$${bcrypt}`],
    ['bcrypt cut short', `$2b$10$${bcrypt.slice(1)}`],
    ['MD5', '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/'],
    ['SHA-512 crypt', `$6$saltsalt$${'a'.repeat(86)}`],
    ['a hash and a line after it', `$pbkdf2-sha256$i=1000$${salt}$${tag}\n`],
    ['a plain password', 'correct horse battery staple'],
    ['nothing', ''],
  ])('is refused for %s, without a word of it', (_, text) => {
    let said: Error | null = null
    try {
      parsePasswordHash(text)
    } catch (error) {
      said = error as Error
    }
    expect(said).toMatchObject({ code: 'invalid_input' })
    if (text) expect(said!.message).not.toContain(text.slice(-12))
  })

  it('takes what is at the limits', () => {
    for (const text of [
      `$2b$15$${bcrypt}`,
      `$scrypt$ln=18,r=8,p=1$${salt}$${tag}`,
      `$argon2id$v=19$m=262144,t=3,p=4$${salt}$${tag}`,
      `$pbkdf2-sha512$i=5000000$${salt}$${'A'.repeat(86)}`,
    ]) {
      expect(() => parsePasswordHash(text), text).not.toThrow()
    }
  })

  it('under bcrypt is not to be checked without what checks it', async () => {
    await expect(verifyPassword('x', `$2b$10$${bcrypt}`)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
