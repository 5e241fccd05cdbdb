import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDirectory, sallyport, sallyportJson } from './support/cli.ts'

const directory = makeDirectory()
const data = join(directory.path, 'data')
const password = 'correct horse battery'
const escape = '\u001b'

const commands = [
  ['serve'],
  ['user', 'create'],
  ['user', 'list'],
  ['user', 'unlock'],
  ['apikey', 'create'],
  ['apikey', 'list'],
  ['apikey', 'revoke'],
  ['policy', 'check'],
  ['policy', 'explain'],
  ['policy', 'replay'],
  ['ledger', 'verify'],
  ['ledger', 'export'],
  ['ledger', 'checkpoint'],
  ['key', 'rotate'],
  ['key', 'list'],
  ['totp', 'generate'],
  ['totp', 'check'],
  ['doctor'],
]

function createUser(email: string, ...more: string[]) {
  const words = ['user', 'create', '--data', data, '--email', email, '--password-stdin', ...more]
  return sallyport(more.includes('--role') ? words : [...words, '--role', 'user'], { input: password })
}

beforeAll(() => createUser('first@example.org'))
afterAll(() => directory.remove())

describe('the words', () => {
  it('says what it can do when it is called with none', async () => {
    const { code, out, err } = await sallyport([])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const [name] of commands) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(out).not.toContain(escape)
  })

  it('has help with an example for every command and every group', async () => {
    const groups = [...new Set(commands.map(([group]) => group!))].map((group) => [group])
    for (const words of [...groups, ...commands.filter(({ length }) => length > 1)]) {
      const { code, out } = await sallyport([...words, '--help'])
      expect(code, words.join(' ')).toBe(0)
      expect(out).toContain(`$ sallyport ${words[0]}`.replace('$ sallyport totp', 'sallyport totp').slice(2))
      expect(out).toContain('Example:')
      if (words.length > 1) expect(out, words.join(' ')).toContain('--json')
    }
  })

  it('lists no command that this test does not know', async () => {
    const named = (out: string) =>
      [...out.matchAll(/^ {2}([a-z]+)[ \n]/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
    const groups = named((await sallyport([])).out)
    const all = []
    for (const group of groups) {
      const inner = /Commands:\n/.test((await sallyport([group, '--help'])).out)
        ? named((await sallyport([group, '--help'])).out.split('Commands:\n')[1]!)
        : []
      all.push(...(inner.length > 0 ? inner.map((name) => [group, name]) : [[group]]))
    }
    expect(all).toEqual(commands)
  })

  it.each([
    [['nonsense']],
    [['--nonsense']],
    [['user', 'nonsense']],
    [['user']],
    [['user', 'create']],
    [['totp', 'check']],
    [['totp', 'generate', '--algorithm', 'MD5']],
    [['policy', 'check', 'a.yaml', 'b.yaml']],
  ])('calls %j wrong usage', async (words) => {
    const { code, out, err } = await sallyport(words)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).not.toBe('')
    const asJson = await sallyport([...words, '--json'])
    expect({ code: asJson.code, out: asJson.out }).toEqual({ code: 2, out: '' })
    expect(JSON.parse(asJson.err)).toEqual({
      error: { code: 'wrong_usage', message: expect.stringMatching(/^(?!error)./) },
    })
  })

  it('reports what failed as JSON on standard error, and as one line without', async () => {
    const words = ['user', 'unlock', 'nobody', '--data', data]
    const asText = await sallyport(words)
    expect(asText).toEqual({
      code: 1,
      out: '',
      err: 'error (not_found): there is no user "nobody"\n',
    })
    const asJson = await sallyport([...words, '--json'])
    expect({ code: asJson.code, out: asJson.out }).toEqual({ code: 1, out: '' })
    expect(JSON.parse(asJson.err)).toEqual({
      error: { code: 'not_found', message: 'there is no user "nobody"' },
    })
  })

  it('does not begin an installation in a directory that was mistyped', async () => {
    const typo = join(directory.path, 'dtaa')
    for (const words of [
      ['user', 'list'],
      ['apikey', 'list'],
      ['apikey', 'revoke', 'x'],
      ['ledger', 'verify'],
      ['ledger', 'export'],
      ['key', 'rotate'],
      ['doctor'],
    ]) {
      const { code, err } = await sallyport([...words, '--data', typo])
      if (words[0] !== 'doctor') {
        expect(code, words.join(' ')).toBe(1)
        expect(err).toContain('holds no installation')
      }
    }
    expect(readdirSync(directory.path)).not.toContain('dtaa')
  })

  it('ends quietly when its reader has seen enough', () => {
    const main = new URL('../cli/src/main.ts', import.meta.url).pathname
    const command = `"${process.execPath}" "${main}" ledger export --data "${data}" | head -c 10`
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: '{"kind":"h', stderr: '' })
  })
})

describe('colour', () => {
  // util-linux's, which is there on every Debian: a terminal for programs that ask for one.
  const onTerminal = (words: string, env: Record<string, string> = {}) => {
    const main = new URL('../cli/src/main.ts', import.meta.url).pathname
    const command = `${process.execPath} ${main} ${words}`
    return spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', ...env },
    }).stdout
  }

  it('is for terminals alone, and not where NO_COLOR is set', async () => {
    const words = ['user', 'list', '--data', data]
    expect(onTerminal(words.join(' '))).toContain(`${escape}[1m`)
    expect(onTerminal(words.join(' '), { NO_COLOR: '1' })).not.toContain(escape)
    const { out, err } = await sallyport(words)
    expect(out + err).not.toContain(escape)
    expect(onTerminal('totp generate --json')).not.toContain(escape)
  })
})

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
    const first = await sallyportJson<{ users: { email: string }[]; next: string }>(
      ['user', 'list', '--data', data, '--limit', '1'],
    )
    expect(first.users).toHaveLength(1)
    const rest = await sallyportJson<{ users: { email: string }[] }>(
      ['user', 'list', '--data', data, '--after', first.next],
    )
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
    const { keys } = await sallyportJson<{ keys: { revoked_at: string }[] }>(['apikey', 'list', '--data', data])
    expect(keys[0]!.revoked_at).toMatch(/Z$/)
    expect((await sallyport(['apikey', 'list', '--data', data])).out).toContain('in force')
  })
})

describe('totp', () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  const oathtool = (...words: string[]) => execFileSync('oathtool', words, { encoding: 'utf8' }).trim()

  it('makes a secret of 160 bits, anew each time', async () => {
    const [one, two] = await Promise.all([
      sallyportJson<{ secret: string }>(['totp', 'generate', '--account', 'ada@example.org']),
      sallyportJson<{ secret: string }>(['totp', 'generate', '--account', 'ada@example.org']),
    ])
    expect(one.secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(one.secret).not.toBe(two.secret)
    expect(one).toMatchObject({
      provisioning_uri: `otpauth://totp/Sallyport:ada%40example.org?secret=${one.secret}&issuer=Sallyport&algorithm=SHA1&digits=6&period=30`,
    })
  })

  it('draws a QR code that another program reads', async () => {
    const { out } = await sallyport(['totp', 'generate', '--account', 'ada@example.org'])
    expect(out).not.toContain(escape)
    const uri = /otpauth:\S+/.exec(out)![0]
    // What a dark terminal shows: a drawn half is light.
    const rows = out.split('\n').filter((line) => /^[ ▀▄█]+$/.test(line))
    const halves = rows.flatMap((row) => [
      [...row].map((half) => ('▀█'.includes(half) ? 255 : 0)),
      [...row].map((half) => ('▄█'.includes(half) ? 255 : 0)),
    ])
    const scale = 4
    const pixels = halves.flatMap((row) => Array(scale).fill(row.flatMap((dot) => Array(scale).fill(dot))).flat())
    const header = `P5 ${halves[0]!.length * scale} ${halves.length * scale} 255\n`
    const picture = join(directory.path, 'qr.pgm')
    writeFileSync(picture, Buffer.concat([Buffer.from(header), Buffer.from(pixels)]))
    expect(execFileSync('zbarimg', ['-q', '--raw', picture], { encoding: 'utf8' }).trim()).toBe(uri)
  })

  it('shows a secret that exists, and warns when it is short', async () => {
    const shown = await sallyportJson(['totp', 'generate', '--secret-stdin'], { input: 'jbswy3dpehpk3pxp\n' })
    expect(shown).toMatchObject({ secret: 'JBSWY3DPEHPK3PXP', warning: expect.anything() })
  })

  it.each([
    { algorithm: 'SHA1', digits: '6', period: '30' },
    { algorithm: 'SHA256', digits: '8', period: '60' },
    { algorithm: 'SHA512', digits: '7', period: '30' },
  ])('agrees with oathtool: $algorithm, $digits digits, $period s', async ({ algorithm, digits, period }) => {
    const settings = ['--algorithm', algorithm, '--digits', digits, '--period', period]
    const code = oathtool(`--totp=${algorithm.toLowerCase()}`, '-b', '-d', digits, '-s', `${period}s`, secret)
    const right = await sallyport(['totp', 'check', code, ...settings], { input: secret })
    expect(right).toMatchObject({ code: 0, out: expect.stringMatching(/^right/) })
    const wrong = `${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`
    const options = { input: secret }
    expect(await sallyport(['totp', 'check', wrong, ...settings, '--window', '0'], options)).toMatchObject({
      code: 1,
      out: 'wrong\n',
    })
  })

  it('says how far the clock is off', async () => {
    const then = new Date(Date.now() - 60_000).toISOString()
    const code = oathtool('--totp', '-b', `--now=${then.replace('T', ' ').slice(0, 19)} UTC`, secret)
    const { code: exit, out } = await sallyport(['totp', 'check', code, '--window', '3', '--json'], {
      input: secret,
    })
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ valid: true, drift_steps: expect.any(Number) })
    expect(JSON.parse(out).drift_steps).toBeLessThan(0)
  })

  it.each([
    ['no secret', ['123456'], ''],
    ['a secret that is no Base32', ['123456'], '!!!'],
    ['a window too wide', ['123456', '--window', '11'], secret],
    ['a period of nothing', ['123456', '--period', '0'], secret],
    ['a number in other clothes', ['123456', '--window', '1e0'], secret],
  ])('refuses %s', async (_, words, input) => {
    const { code, out, err } = await sallyport(['totp', 'check', ...words], { input })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('invalid_input')
  })

  it('takes no code that is malformed', async () => {
    for (const code of ['12345', '1234567', ' 123456', '１２３４５６', 'abcdef', '9'.repeat(5_000)]) {
      expect((await sallyport(['totp', 'check', code], { input: secret })).out).toBe('wrong\n')
    }
  })
})
