import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const data = join(directory.path, 'data')
const password = 'correct horse battery'

function createUser(email: string, ...more: string[]) {
  const words = ['user', 'create', '--data', data, '--email', email, '--password-stdin', ...more]
  return sallyport(more.includes('--role') ? words : [...words, '--role', 'user'], { input: password })
}

beforeAll(() => createUser('first@example.org'))
afterAll(() => directory.remove())

describe('user', () => {
  it('creates one, exactly as scripts call it', async () => {
    const words = ['--email', 'Ada@Example.org', '--role', 'FINANCE_USER', '--company', 'Acme']
    const { code, out, err } = await sallyport(
      ['user', 'create', '--data', data, ...words, '--extension', '1001', '--password-stdin'],
      { input: `${password}\n` },
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^created Ada@Example\.org \(FINANCE_USER\), id [\w-]{22}\n$/)
    const { users } = await sallyportJson<{ users: object[] }>(['user', 'list', '--data', data])
    expect(users).toContainEqual({
      id: expect.any(String),
      email: 'Ada@Example.org',
      role: 'FINANCE_USER',
      company: 'Acme',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
  })

  it('refuses a second one of the same name, in whatever spelling', async () => {
    for (const more of [
      ['aDA@eXAMPLE.ORG'],
      ['ＡＤＡ@example.org'],
      ['other@example.org', '--extension', '1001'],
      ['other@example.org', '--extension', 'ada@example.org'],
    ] as const) {
      const { code, err } = await createUser(more[0], ...more.slice(1))
      expect(code, more.join(' ')).toBe(1)
      expect(err).toContain('already_exists')
    }
  })

  it('lets one of many through that come at once', async () => {
    const codes = await Promise.all([1, 2, 3].map(async () => (await createUser('race@example.org')).code))
    expect(codes.sort()).toEqual([0, 1, 1])
  })

  it.each([
    ['an address that is none', ['nowhere'], password],
    ['an address with a line feed', ['a@b.org\nrole'], password],
    ['a role that cannot be a name', ['b@example.org', '--role', 'a b'], password],
    ['a password of 11 characters', ['b@example.org'], 'x'.repeat(11)],
    ['no password', ['b@example.org'], ''],
    ['a password of 257 characters', ['b@example.org'], 'x'.repeat(257)],
    ['a password of a megabyte', ['b@example.org'], 'x'.repeat(1 << 20)],
  ])('refuses %s', async (_, [email, ...more], input) => {
    const role = more.length > 0 ? more : ['--role', 'user']
    const words = ['user', 'create', '--data', data, '--email', email!, ...role, '--password-stdin']
    const { code, out, err } = await sallyport([...words, '--json'], { input })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    const { error } = JSON.parse(err)
    expect(error.code).toBe('invalid_input')
    expect(error.message).not.toContain('xxx')
  })

  it('has no option that takes the password itself', async () => {
    expect((await sallyport(['user', 'create', '--help'])).out).not.toMatch(/--password[ =<]/)
    expect((await createUser('c@example.org', '--password', password)).code).toBe(2)
  })

  it('lists by pages, finds by a part of the name, and unlocks', async () => {
    const first = await sallyportJson<{ users: { email: string }[]; next: string }>([
      'user',
      'list',
      '--data',
      data,
      '--limit',
      '1',
    ])
    expect(first.users).toHaveLength(1)
    const rest = await sallyportJson<{ users: { email: string }[] }>([
      'user',
      'list',
      '--data',
      data,
      '--after',
      first.next,
    ])
    expect(rest.users.map(({ email }) => email)).not.toContain(first.users[0]!.email)
    const found = await sallyport(['user', 'list', '--data', data, '--search', 'race@'])
    expect(found.out.trim().split('\n')).toHaveLength(2)
    expect((await sallyport(['user', 'list', '--data', data, '--limit', '0'])).code).toBe(1)
    expect((await sallyport(['user', 'list', '--data', data, '--after', '%%'])).code).toBe(1)
    expect(await sallyportJson(['user', 'unlock', '1001', '--data', data])).toEqual({
      name: '1001',
      cleared: false,
    })
  })
})

describe('user recover', () => {
  const recover = (...more: string[]) => sallyport(['user', 'recover', '--data', data, ...more])

  it('does nothing until it is told to mean it', async () => {
    const { code, out, err } = await recover('--email', 'first@example.org')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('add --yes')
    expect((await recover('--email', 'nobody@example.org', '--yes')).err).toContain('not_found')
  })

  it('prints a link that the ledger does not know, but knows that it was made', async () => {
    const words = ['user', 'recover', '--data', data, '--email', 'FIRST@example.org', '--yes']
    const recovered = await sallyportJson<{ token: string; link: string }>(words)
    expect(recovered).toMatchObject({
      removed: 0,
      purpose: expect.any(String),
      expires_at: expect.any(String),
    })
    expect(recovered.link).toContain(recovered.token)
    const ledger = (await sallyport(['ledger', 'export', '--data', data])).out
    expect(ledger).not.toContain(recovered.token)
    expect(ledger).toContain('break-glass on the host')
    expect(readFileSync(join(data, 'sallyport.db')).includes(recovered.token)).toBe(false)
  })
})

describe('apikey', () => {
  let key: { id: string; key: string }

  it('makes one, with exactly the fields that scripts read', async () => {
    const words = ['--name', 'pbx', '--app', 'pbx', '--scope', 'mfa:read,mfa:write']
    key = await sallyportJson(['apikey', 'create', '--data', data, ...words])
    expect(key).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      name: 'pbx',
      app: 'pbx',
      scopes: ['mfa:read', 'mfa:write'],
      key: expect.stringMatching(/^spk_[\w-]{43}$/),
    })
    const other = await sallyportJson(['apikey', 'create', '--data', data, '--name', 'n', '--scope', 'admin'])
    expect(other).toMatchObject({ app: 'default', scopes: ['admin'] })
  })

  it('is never shown again, nor in clear in any file', async () => {
    expect((await sallyport(['apikey', 'list', '--data', data])).out).not.toContain(key.key)
    const { keys } = await sallyportJson<{ keys: object[] }>(['apikey', 'list', '--data', data])
    expect(keys[0]).toEqual({
      id: key.id,
      name: 'pbx',
      app: 'pbx',
      scopes: ['mfa:read', 'mfa:write'],
      created_at: expect.any(String),
      revoked_at: null,
    })
    for (const file of readdirSync(data)) {
      const bytes = readFileSync(join(data, file))
      expect(bytes.includes(key.key.slice(4)), file).toBe(false)
      expect(bytes.includes(password), file).toBe(false)
    }
    expect((await sallyport(['ledger', 'export', '--data', data])).out).not.toContain(key.key.slice(4))
  })

  it.each([
    ['an unknown scope', ['--name', 'n', '--scope', 'mfa:read,root']],
    ['no scope in the list', ['--name', 'n', '--scope', '']],
    ['an application that cannot be a name', ['--name', 'n', '--scope', 'admin', '--app', '../x']],
    ['a name without a character', ['--name', '', '--scope', 'admin']],
    ['a name of 101 characters', ['--name', 'n'.repeat(101), '--scope', 'admin']],
  ])('refuses %s', async (_, words) => {
    expect((await sallyport(['apikey', 'create', '--data', data, ...words])).code).toBe(1)
  })

  it('ends for good, once', async () => {
    expect(await sallyportJson(['apikey', 'revoke', key.id, '--data', data])).toEqual({
      id: key.id,
      revoked: true,
    })
    const again = await sallyport(['apikey', 'revoke', key.id, '--data', data])
    expect(again.code).toBe(1)
    expect(again.err).toContain('not_found')
    const { keys } = await sallyportJson<{ keys: { revoked_at: string }[] }>([
      'apikey',
      'list',
      '--data',
      data,
    ])
    expect(keys[0]!.revoked_at).toMatch(/Z$/)
    expect((await sallyport(['apikey', 'list', '--data', data])).out).toContain('in force')
  })
})
