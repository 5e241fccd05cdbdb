import { join } from 'node:path'
import {
  canonicalAlias,
  decodeSecret,
  type ImportFinding,
  type ImportRecord,
  importUsers,
  loginApplication,
  readEntry,
  totp,
} from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDirectory } from './support/cli.ts'
import { type Installation, openInstallation } from './support/installation.ts'

const origin = { address: '198.51.100.7', userAgent: null }
const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

/** Published pairs; their sources stand with the tests of each scheme. */
const hashes = {
  argon2id: ['secret', 'argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw'],
  argon2i: [
    'password',
    '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA',
  ],
  bcrypt: ['abc', '$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi'],
  'bcrypt-sha256': [
    'password',
    '$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2',
  ],
  scrypt: ['pleaseletmein', '$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D'],
  'pbkdf2-sha1': ['password', '$pbkdf2$1212$OB.dtnSEXZK8U5cgxU/GYQ$y5LKPOplRmok7CZp/aqVDVg8zGI'],
  'pbkdf2-sha256': ['lètmein', 'pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c='],
  'pbkdf2-sha512': [
    'password',
    '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww',
  ],
} as const

describe('imported users', () => {
  const directory = makeDirectory()
  let installation: Installation
  const findings: ImportFinding[] = []

  beforeAll(async () => {
    installation = await openInstallation(join(directory.path, 'data'))
  }, 60_000)
  afterAll(async () => {
    await installation?.close()
    directory.remove()
  })

  function bring(
    rows: readonly Record<string, unknown>[],
    more: { apply?: boolean; sharedSeeds?: boolean } = {},
  ) {
    async function* records(): AsyncGenerator<ImportRecord> {
      for (const [index, fields] of rows.entries()) yield { line: index + 2, fields }
    }
    findings.length = 0
    const report = (finding: ImportFinding) => void findings.push(finding)
    const wanted = { source: 'users.csv', apply: true, sharedSeeds: false, report, ...more }
    return importUsers(records(), { ...installation, ...wanted })
  }
  const subjectOf = async (email: string) =>
    (await installation.store.read((tx) =>
      tx.subjects.findByAlias(loginApplication, canonicalAlias(email)!),
    ))!
  const signIn = (email: string, password: string) =>
    installation.signIn.withPassword({ email, password, ...origin })
  const ledgerOf = async (email: string) => {
    const { id: subject } = await subjectOf(email)
    const entries = await installation.store.read((tx) => tx.ledger.entries(0, 1000, { subject }))
    return entries.map(readEntry)
  }
  async function keptHash(email: string): Promise<string> {
    const { store, vault } = installation
    const { id: subject } = await subjectOf(email)
    const held = { status: 'active', factor: 'password' } as const
    const [enrolment] = await store.read((tx) => tx.enrolments.listBySubject(subject, held))
    return Buffer.from(
      await vault.open({ subject, purpose: 'password', sealed: enrolment!.sealed! }),
    ).toString()
  }

  it.each(Object.entries(hashes))(
    'sign in with a password under %s, once as it was, then anew',
    async (scheme, pair) => {
      const [password, hash] = pair
      const email = `${scheme}@example.org`
      expect(await bring([{ email, password_hash: hash }])).toMatchObject({ fit: 1, refused: 0 })
      expect(await keptHash(email)).toBe(hash)
      expect(await signIn(email, `${password}?`)).toEqual({ status: 'refused' })
      expect(await keptHash(email)).toBe(hash)
      expect(await signIn(email, password)).toMatchObject({ status: 'signed_in' })
      expect(await keptHash(email)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      expect(await signIn(email, password)).toMatchObject({ status: 'signed_in' })
      expect(await signIn(email, `${password}?`)).toEqual({ status: 'refused' })
      const rehashed = (await ledgerOf(email)).filter(({ type }) => type === 'password.rehashed')
      expect(rehashed).toMatchObject([{ data: { scheme: 'argon2id' } }])
    },
  )

  it('are hashed anew once, however many sign in at the same time', async () => {
    const email = 'crowd@example.org'
    const [password, hash] = hashes.bcrypt
    await bring([{ email, password_hash: hash }])
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => signIn(email, password)))
    expect(outcomes.map(({ status }) => status)).toEqual(Array(8).fill('signed_in'))
    const types = (await ledgerOf(email)).map(({ type }) => type)
    expect(types.filter((type) => type === 'password.rehashed')).toHaveLength(1)
    expect(await signIn(email, password)).toMatchObject({ status: 'signed_in' })
  })

  it('have no more guesses than anybody', async () => {
    const email = 'guessed@example.org'
    await bring([{ email, extension: 'ext 7', password_hash: hashes.bcrypt[1] }])
    const statuses: string[] = []
    for (let guess = 0; guess < 11; guess++) {
      statuses.push((await signIn(guess % 2 ? email : 'EXT 7', 'wrong')).status)
    }
    expect(statuses).toEqual([...Array(10).fill('refused'), 'throttled'])
    expect(await signIn(email, hashes.bcrypt[0])).toMatchObject({ status: 'throttled' })
  })

  // What bcrypt did not look at may have been mistyped: it must not become the password.
  it('keep the bcrypt hash of a password that it cuts off', async () => {
    const email = 'long@example.org'
    const long = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const hash = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
    await bring([{ email, password_hash: hash }])
    expect(await signIn(email, `${long}mistyped`)).toMatchObject({ status: 'signed_in' })
    expect(await keptHash(email)).toBe(hash)
    expect(await signIn(email, long)).toMatchObject({ status: 'signed_in' })
    expect(await keptHash(email)).toMatch(/^\$argon2id/)
  })

  it('pass their second factor with the authenticator they have, each code once', async () => {
    const email = 'phone@example.org'
    const uri = `otpauth://totp/Old:phone?secret=${seed}&algorithm=SHA256&digits=8&period=60`
    const [password, hash] = hashes['pbkdf2-sha1']
    await bring([{ email, password_hash: hash, totp: uri, mfa_enrolled_at: '2024-05-31' }])
    const settings = { algorithm: 'SHA256', digits: 8, period: 60 } as const
    const code = totp({ secret: decodeSecret(seed), ...settings, at: installation.clock.now() })
    const verify = async () => {
      const begun = await signIn(email, password)
      if (begun.status !== 'mfa') throw new Error(`the sign-in is ${begun.status}`)
      return installation.attempts.verify({ attemptId: begun.attempt.id, input: code })
    }
    expect(await verify()).toMatchObject({ status: 'complete' })
    expect(await verify()).toMatchObject({ status: 'rejected' })
    const { id } = await subjectOf(email)
    const [enrolment] = await installation.store.read((tx) =>
      tx.enrolments.listBySubject(id, { factor: 'totp' }),
    )
    expect(enrolment).toMatchObject({ status: 'active', confirmedAt: Date.parse('2024-05-31'), settings })
    expect((await ledgerOf(email))[0]).toMatchObject({
      type: 'subject.imported',
      actor: 'cli',
      data: { source: 'users.csv', factors: ['password', 'totp'] },
    })
  })

  it('do not share a seed, and where they may, use up its codes together', async () => {
    const shared = 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U'
    const [password, hash] = hashes['pbkdf2-sha1']
    const rows = ['one', 'two'].map((name) => ({
      ...{ email: `${name}@shared.example.org`, password_hash: hash, totp: shared },
    }))
    expect(await bring(rows, { apply: false })).toMatchObject({ fit: 1, refused: 1 })
    expect(findings).toMatchObject([
      {
        line: 3,
        kind: 'refused',
        field: 'totp',
        reason: expect.stringContaining('line 2 has the same seed'),
      },
    ])
    expect(await bring(rows, { sharedSeeds: true })).toMatchObject({ fit: 2, refused: 0, warnings: 1 })
    const code = totp({
      ...{ secret: decodeSecret(shared), algorithm: 'SHA1', digits: 6, period: 30 },
      at: installation.clock.now(),
    })
    const outcomes: string[] = []
    for (const { email } of rows) {
      const begun = await signIn(email, password)
      if (begun.status !== 'mfa') throw new Error(`the sign-in is ${begun.status}`)
      const outcome = await installation.attempts.verify({ attemptId: begun.attempt.id, input: code })
      outcomes.push(outcome.status)
    }
    expect(outcomes).toEqual(['complete', 'rejected'])
  })

  it('are one user, whatever the spelling and whichever of the names', async () => {
    const rows = [
      { email: 'Same@Example.org', extension: '1001' },
      { email: 'same@example.org' },
      { email: 'ＳＡＭＥ@example.org' },
      { email: 'other@example.org', extension: 'SAME@example.org' },
      { email: 'third@example.org', extension: '1001' },
    ]
    expect(await bring(rows)).toEqual({ rows: 5, fit: 1, existing: 0, refused: 4, warnings: 0 })
    const said = findings.map(({ line, field, reason }) => [line, field, reason])
    const reason = 'the user of line 2 has this name'
    expect(said).toEqual([
      [3, 'email', reason],
      [4, 'email', reason],
      [5, 'extension', reason],
      [6, 'extension', reason],
    ])
  })

  it('are left as they are when they come again, and take no name from anybody', async () => {
    const row = { email: 'again@example.org', extension: 'ext again', password_hash: hashes.bcrypt[1] }
    await bring([row])
    const { id } = await subjectOf(row.email)
    const again = {
      ...row,
      email: 'AGAIN@example.org',
      role: 'admin',
      password_hash: hashes['pbkdf2-sha1'][1],
    }
    expect(await bring([again])).toMatchObject({ fit: 0, existing: 1, refused: 0 })
    expect(await subjectOf(row.email)).toMatchObject({ id, role: 'user' })
    expect(await keptHash(row.email)).toBe(row.password_hash)
    const thief = { email: 'thief@example.org', extension: 'EXT AGAIN' }
    expect(await bring([thief])).toMatchObject({ fit: 0, existing: 0, refused: 1 })
    expect(findings).toMatchObject([{ field: 'extension', reason: 'is a name of another user' }])
  })

  it('come in once, from however many imports at the same time', async () => {
    const rows = Array.from({ length: 450 }, (_, at) => ({ email: `user.${at}@parallel.example.org` }))
    const sums = await Promise.all([bring(rows), bring([...rows].reverse()), bring(rows)])
    expect(sums.reduce((sum, { fit }) => sum + fit, 0)).toBe(450)
    expect(sums.map(({ fit, existing }) => fit + existing)).toEqual([450, 450, 450])
  })
})
