import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPages } from './support/browser.ts'
import { bareEnvironment, makeDirectory, type Ran, type Serving, sallyport, serve } from './support/cli.ts'
import { recordSession } from './support/recorded-session.ts'

/**
 * What the pages show is run as it stands. Blocks of `sh` run in order, one shell a page, in a directory
 * with an installation in `./data` that is being served, the user ada@example.org, the policies.yaml of
 * chains.md, and a session that a serial gate recorded in `./shim`. Port 8080 stands for the server's own,
 * and `/path/to/sallyport` for the checkout. Those marked `sh no-run` are left out: they never end, run all
 * tests, or need a program that is not among the tests' own.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const pages = [
  'README.md',
  'docs/chains.md',
  'docs/detect-attacks.md',
  'docs/lost-factors.md',
  'docs/operate.md',
  'docs/passkeys.md',
  'docs/siem.md',
  'docs/troubleshooting.md',
  'docs/yubikeys.md',
  'docs/recordings.md',
  'docs/administer.md',
  'docs/block-attackers.md',
  'docs/guard-a-serial-port.md',
  'docs/embed-the-dialog.md',
  'docs/technicians-bundle.md',
]
const read = (page: string) => readFileSync(join(root, page), 'utf8')

const sandbox = makeDirectory()
const bin = join(sandbox.path, 'bin')
let serving: Serving
const helps = new Map<string, Ran>()

function blocks(page: string, language: string): string[] {
  return [...read(page).matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'))].map(
    ([, indent, code]) => code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

beforeAll(async () => {
  buildPages()
  mkdirSync(bin)
  // As in a checkout, without npm's second of thinking.
  writeFileSync(
    join(bin, 'npx'),
    `#!/bin/sh\n[ "$1" = sallyport ] && shift && exec "${process.execPath}" "${join(root, 'cli/src/main.ts')}" "$@"\nexit 127\n`,
  )
  chmodSync(join(bin, 'npx'), 0o755)
  const data = join(sandbox.path, 'data')
  await sallyport(
    ['user', 'create', '--data', data, '--email', 'ada@example.org', '--role', 'user', '--password-stdin'],
    { input: 'correct horse battery' },
  )
  await recordSession(sandbox.path)
  writeFileSync(join(sandbox.path, 'policies.yaml'), blocks('docs/chains.md', 'yaml')[0]!)
  serving = await serve(['--data', data, '--port', '0'])
}, 120_000)

afterAll(async () => {
  await serving?.stop()
  sandbox.remove()
})

describe.each(pages)('%s', (page) => {
  it('shows commands that work', () => {
    const commands = blocks(page, 'sh')
    expect(commands.length).toBeGreaterThan(0)
    const script = commands
      .join('\n')
      .replaceAll('http://127.0.0.1:8080', serving.url)
      .replaceAll('/path/to/sallyport', root)
    const { status, stdout, stderr } = spawnSync('bash', ['-euxo', 'pipefail', '-c', script], {
      cwd: sandbox.path,
      encoding: 'utf8',
      env: { ...bareEnvironment, PATH: `${bin}:${process.env.PATH}`, HOME: sandbox.path },
    })
    expect(status, `${stdout}${stderr}`).toBe(0)
  }, 120_000)

  it('names only commands and options that there are', async () => {
    const help = async (words: readonly string[]) => {
      const key = words.join(' ')
      if (!helps.has(key)) helps.set(key, await sallyport([...words, '--help']))
      return helps.get(key)!
    }
    const shown = [
      ...read(page).matchAll(
        /(?:npx )?sallyport ((?:user|apikey|application|policy|ledger|key|totp|siem|yubikey|recording|shim) [a-z-]+)/g,
      ),
    ]
    const options = [...read(page).matchAll(/sallyport [a-z]+ ?[a-z-]*[^\n`|>]*/g)]
    for (const words of new Set(shown.map(([, words]) => words!))) {
      expect((await help(words.split(' '))).code, words).toBe(0)
    }
    for (const [line] of options) {
      const [, ...words] = line.split(' ').filter((word) => /^[a-z]+(-[a-z]+)*$/.test(word))
      const inner =
        ['client', 'clock'].includes(words[1] ?? '') || ['keygen', 'request'].includes(words[2] ?? '')
      const { out, code } = await help(words.slice(0, inner ? 3 : 2))
      if (code !== 0) continue
      for (const [option] of line.matchAll(/--[a-z-]+/g)) expect(out, line).toContain(option)
    }
  }, 120_000)
})

describe('docs/chains.md', () => {
  it.each(blocks('docs/chains.md', 'ts').map((code, index) => [index + 1, code] as const))(
    'shows TypeScript that runs: block %i',
    (index, code) => {
      const own = { core: 'core/src/index.ts', store: 'store/src/index.ts' }
      const program = code.replaceAll(/'@sallyport\/(core|store)'/g, (_, name: keyof typeof own) =>
        JSON.stringify(join(root, own[name])),
      )
      const file = join(sandbox.path, `block-${index}.ts`)
      writeFileSync(file, program)
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', file], {
        cwd: sandbox.path,
        encoding: 'utf8',
      })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const expected = [
        /success: false,[\s\S]*nextFactorLabel: 'RESET'[\s\S]*(App|Device|Token)/,
        /^complete$/m,
      ]
      expect(stdout).toMatch(expected[index - 1]!)
    },
  )

  it('shows policies that are valid', async () => {
    const shown = ['docs/chains.md', 'docs/lost-factors.md'].flatMap((page) => blocks(page, 'yaml'))
    for (const [index, text] of shown.entries()) {
      const file = join(sandbox.path, `policy-${index}.yaml`)
      writeFileSync(file, text)
      expect(await sallyport(['policy', 'check', file])).toMatchObject({ code: 0 })
    }
  })
})

describe('docs/operate.md', () => {
  it('says of every error what to do, and of none that there is not', () => {
    const codes = (file: string, type: string) =>
      [...(read(file).split(`export type ${type} =`)[1] ?? '').split('\n\n')[0]!.matchAll(/\| '(\w+)'/g)].map(
        ([, code]) => code!,
      )
    const known = [
      ...codes('core/src/errors.ts', 'ErrorCode'),
      ...codes('protocol/src/problem.ts', 'WireCode'),
    ]
    const table = read('docs/operate.md').split('## Every error')[1]!
    const told = [...table.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`(\w+)`/g)].map(([, code]) => code!),
    )
    expect(told.toSorted()).toEqual([...new Set(known)].toSorted())
  })

  it('shows configuration that is taken', async () => {
    for (const text of blocks('docs/operate.md', 'yaml')) {
      const file = join(sandbox.path, 'shown.yaml')
      writeFileSync(file, text)
      const { err } = await sallyport(['user', 'list', '--config', file])
      expect(err).not.toContain('the configuration in')
    }
  })
})

describe('docs/passkeys.md', () => {
  it('shows configuration and policies that are taken', async () => {
    const [shown, policies] = blocks('docs/passkeys.md', 'yaml').map((text, index) => {
      const file = join(sandbox.path, `passkeys-${index}.yaml`)
      writeFileSync(file, text)
      return file
    })
    const { err } = await sallyport(['user', 'list', '--config', shown!, '--data', sandbox.path])
    expect(err).not.toContain('the configuration in')
    expect(await sallyport(['policy', 'check', policies!])).toMatchObject({ code: 0 })
  })
})

describe('all pages', () => {
  const all = [
    ...pages,
    'docs/threat-model.md',
    'docs/recording-format.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
  ]

  it.each(all)('%s links to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    for (const link of links.filter((one) => !/^https?:/.test(one))) {
      const [path, anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path!)
      expect(existsSync(join(root, target)), link).toBe(true)
      if (anchor === undefined) continue
      const heads = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, head]) =>
        head!
          .toLowerCase()
          .replaceAll(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      )
      expect(heads, link).toContain(anchor)
    }
  })

  it('names tests and files that there are', () => {
    const named = all.flatMap((page) => [
      ...read(page).matchAll(/`((?:core|cli|test|tools|protocol)\/[\w./-]+\.(?:ts|mjs))`/g),
    ])
    for (const [, path] of named) expect(existsSync(join(root, path!)), path).toBe(true)
  })
})
