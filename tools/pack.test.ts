import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const tsc = join(root, 'node_modules/ts7/bin/tsc')
let work: string
let core: string
let app: string
let tarball: string

const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** In a copy of the checkout: packing changes package.json for a moment, and other tests are reading it. */
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'pack-'))
  core = join(work, 'core')
  app = join(work, 'app')
  for (const file of ['core', 'tools', 'tsconfig.json', 'package.json', 'LICENSE']) {
    const filter = (source: string) => !/\/(node_modules|dist)$/.test(source)
    cpSync(join(root, file), join(work, file), { recursive: true, filter })
  }
  symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
  tarball = pack()
  installInto(app)
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

function pack(): string {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent'], core))
  return join(core, packed.filename)
}

/** Its dependencies are taken from this checkout, so that no network is needed. */
function installInto(folder: string): void {
  mkdirSync(folder)
  const dependencies: Record<string, string> = { '@sallyport/core': `file:${tarball}` }
  for (const name of ['zod', 'uqr']) dependencies[name] = `file:${join(root, 'node_modules', name)}`
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--silent'], folder)
}

/** Each Node on the PATH that the package is meant for: one or several, as the machine has. */
function nodes(): string[] {
  const found = new Map<string, string>()
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  for (const node of [process.execPath, ...candidates].filter(existsSync)) {
    const version = run(node, ['--version'], work).trim()
    if (Number(version.slice(1).split('.')[0]) >= 20 && !found.has(version)) found.set(version, node)
  }
  return [...found.values()]
}

// The example of the library's documentation, with the codes that an authenticator would show.
const program = `
import { createOrchestrator, parsePolicy, restoreOrchestrator, decodeSecret, SallyportError, totp } from '@sallyport/core'

const policy = parsePolicy({ mode: 'random', requiredSteps: 2, factors: [
  { id: 'token_1', label: 'Authenticator App', type: 'totp' },
  { id: 'token_2', label: 'Backup Device', type: 'totp' },
  { id: 'token_3', label: 'Hardware Token', type: 'totp' } ] })
const secrets = { token_1: 'JBSWY3DPEHPK3PXP', token_2: 'KRSXG5CTMVRXEZLU', token_3: 'GEZDGNBVGY3TQOJQ' }
const options = { integrityKey: 'k'.repeat(32) }
const orchestrator = createOrchestrator(policy, options)
const chain = orchestrator.initializeAttempt()
const code = (secret) =>
  totp({ secret: decodeSecret(secret), at: Date.now(), period: 30, algorithm: 'SHA1', digits: 6 })
const answer = (step, walk = orchestrator, userInput = code(secrets[step.id])) =>
  walk.verifyStep({ secret: secrets[step.id], userInput, window: 1, factorId: step.id })
const results = [answer(chain[0])]
const restored = restoreOrchestrator(policy, JSON.parse(JSON.stringify(orchestrator)), options)
results.push(answer(chain[1], restored))
const reset = answer(orchestrator.expectedFactor, orchestrator, '12345')
let refused
try { restored.verifyStep({ secret: 'x', userInput: '1', factorId: 'token_1' }) } catch (error) {
  refused = error instanceof SallyportError && error.code
}
results[0].nextFactorLabel = results[0].nextFactorLabel === chain[1].label
console.log(JSON.stringify({ results, reset, refused }))
`

describe('the packed core', () => {
  it('holds JavaScript, types and the licence, and leaves the checkout as it was', () => {
    const files = run('tar', ['tzf', tarball], work).trim().split('\n')
    expect(files).toEqual(
      expect.arrayContaining(['package/LICENSE', 'package/dist/index.js', 'package/dist/index.d.ts']),
    )
    expect(
      files.filter((file) => !/^package\/(LICENSE|package\.json|dist\/.+(\.js|\.d\.ts))$/.test(file)),
    ).toEqual([])
    expect(files.filter((file) => /test|fixture/.test(file))).toEqual([])
    expect(readFileSync(join(core, 'package.json'), 'utf8')).toBe(
      readFileSync(join(root, 'core/package.json'), 'utf8'),
    )
    expect(existsSync(join(core, 'LICENSE'))).toBe(false)
  })

  it('names what was built, and runs nothing where it is installed', () => {
    const manifest = JSON.parse(readFileSync(join(app, 'node_modules/@sallyport/core/package.json'), 'utf8'))
    expect(manifest.exports).toEqual({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } })
    expect(Object.keys(manifest.scripts)).toEqual(['prepack', 'postpack'])
  })

  it.each(nodes())('walks a chain under %s', (node) => {
    writeFileSync(join(app, 'main.js'), program)
    expect(JSON.parse(run(node, ['main.js'], app))).toEqual({
      results: [
        { success: true, nextFactorLabel: true, isComplete: false },
        { success: true, nextFactorLabel: null, isComplete: true },
      ],
      reset: { success: false, nextFactorLabel: 'RESET', isComplete: false },
      refused: 'chain_complete',
    })
  })

  it('brings its types', () => {
    writeFileSync(
      join(app, 'typed.ts'),
      `import { type ChainPolicy, parsePolicy } from '@sallyport/core'\nexport const policy: ChainPolicy = parsePolicy({})\n// @ts-expect-error\nexport const wrong: number = parsePolicy({})\n`,
    )
    const options = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
    ]
    const types = ['--typeRoots', join(root, 'node_modules/@types')]
    expect(run(process.execPath, [tsc, ...options, ...types, 'typed.ts'], app)).toBe('')
  })

  it('is packed the same after a run that was killed between the two halves', () => {
    run(process.execPath, [join(work, 'tools/pack.mjs'), 'before'], core)
    expect(readFileSync(join(core, 'package.json'), 'utf8')).toContain('"default": "./dist/index.js"')
    rmSync(join(core, 'dist'), { recursive: true })
    pack()
    expect(readFileSync(join(core, 'package.json'), 'utf8')).toBe(
      readFileSync(join(root, 'core/package.json'), 'utf8'),
    )
    expect(dirname(tarball)).toBe(core)
  })
})
