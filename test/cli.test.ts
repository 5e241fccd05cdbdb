import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bareEnvironment, makeDirectory, sallyport } from './support/cli.ts'

// A process each, on whatever machine this is.
vi.setConfig({ testTimeout: 120_000 })

const directory = makeDirectory()
const data = join(directory.path, 'data')
const escapeCode = '\u001b'

const commands = [
  ['serve'],
  ['user', 'create'],
  ['user', 'list'],
  ['user', 'unlock'],
  ['user', 'recover'],
  ['import', 'users'],
  ['apikey', 'create'],
  ['apikey', 'list'],
  ['apikey', 'revoke'],
  ['application', 'set'],
  ['policy', 'check'],
  ['policy', 'explain'],
  ['policy', 'replay'],
  ['ledger', 'verify'],
  ['ledger', 'export'],
  ['ledger', 'checkpoint'],
  ['key', 'rotate'],
  ['key', 'list'],
  ['siem', 'test'],
  ['recording', 'list'],
  ['recording', 'show'],
  ['recording', 'verify'],
  ['recording', 'play'],
  ['recording', 'export'],
  ['recording', 'keygen'],
  ['totp', 'generate'],
  ['totp', 'check'],
  ['yubikey', 'import'],
  ['yubikey', 'list'],
  ['yubikey', 'remove'],
  ['yubikey', 'client', 'add'],
  ['yubikey', 'client', 'list'],
  ['yubikey', 'client', 'remove'],
  ['block'],
  ['unblock'],
  ['blocked'],
  ['shim', 'run'],
  ['shim', 'check'],
  ['shim', 'status'],
  ['shim', 'unlock'],
  ['shim', 'reset'],
  ['shim', 'close'],
  ['shim', 'enrol'],
  ['shim', 'clock', 'accept'],
  ['shim', 'bundle', 'keygen'],
  ['shim', 'bundle', 'request'],
  ['shim', 'break-glass'],
  ['shim', 'demo'],
  ['doctor'],
]

/** Those that hold others: `user`, `yubikey client`, … */
const groups = [
  ...new Set(
    commands.flatMap((words) => words.slice(1).map((_, depth) => words.slice(0, depth + 1).join(' '))),
  ),
].map((words) => words.split(' '))

beforeAll(() => sallyport(['apikey', 'create', '--data', data, '--name', 'n', '--scope', 'admin']))
afterAll(() => directory.remove())

describe('the words', () => {
  it('says what it can do when it is called with none', async () => {
    const { code, out, err } = await sallyport([])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const [name] of commands) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(out).not.toContain(escapeCode)
  })

  it('has help with an example for every command and every group', async () => {
    const all = [...groups, ...commands]
    const helps = await Promise.all(all.map((words) => sallyport([...words, '--help'])))
    for (const [index, words] of all.entries()) {
      const { code, out } = helps[index]!
      expect(code, words.join(' ')).toBe(0)
      expect(out).toMatch(new RegExp(`Example:\\n  \\$ .*sallyport ${words.join(' ')}`))
      if (commands.includes(words)) expect(out, words.join(' ')).toContain('--json')
    }
  })

  it('lists no command that this test does not know', async () => {
    const named = (help: string) =>
      [...(help.split('Commands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+(?:-[a-z]+)*)[ \n]/gm)]
        .map(([, name]) => name!)
        .filter((name) => name !== 'help')
    const isGroup = (words: string[]) => groups.some((group) => group.join(' ') === words.join(' '))
    const listed = async (words: string[]): Promise<string[][]> => {
      if (words.length > 0 && !isGroup(words)) return [words]
      const { out } = await sallyport(words.length > 0 ? [...words, '--help'] : [])
      return (await Promise.all(named(out).map((name) => listed([...words, name])))).flat()
    }
    expect(await listed([])).toEqual(commands)
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
      env: { ...bareEnvironment, TERM: 'xterm-256color', ...env },
    }).stdout
  }

  it('is for terminals alone, and not where NO_COLOR is set', async () => {
    const words = ['apikey', 'list', '--data', data]
    expect(onTerminal(words.join(' '))).toContain(`${escapeCode}[1m`)
    expect(onTerminal(words.join(' '), { NO_COLOR: '1' })).not.toContain(escapeCode)
    const { out, err } = await sallyport(words)
    expect(out + err).not.toContain(escapeCode)
    expect(onTerminal('totp generate --json')).not.toContain(escapeCode)
  })
})
