import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const platform = `${process.platform}-${process.arch}`
let root: string

function write(file: string, text: string): string {
  mkdirSync(join(root, file, '..'), { recursive: true })
  writeFileSync(join(root, file), text)
  return join(root, file)
}

/** A checkout in small: the launcher as it is, one program, and a lockfile that asks for nothing. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'launch-'))
  cpSync(join(import.meta.dirname, 'launch.mjs'), join(root, 'tools/launch.mjs'))
  cpSync(join(import.meta.dirname, 'launcher'), join(root, 'tools/launcher'), { recursive: true })
  write('package.json', '{ "name": "small", "version": "1.0.0" }')
  lockfile({})
  write('program.mjs', `console.log(process.version, process.argv.slice(2).join()); process.exitCode = 42`)
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function lockfile(packages: Record<string, unknown>): void {
  const rest = { name: 'small', version: '1.0.0', lockfileVersion: 3, requires: true }
  write('package-lock.json', JSON.stringify({ ...rest, packages }))
}

function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [join(root, 'tools/launch.mjs'), ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  })
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (text) => (out += text))
  child.stderr?.on('data', (text) => (err += text))
  const [code] = await once(child, 'close')
  return { code, out: out.trim(), err: err.trim() }
}

const launch = (args: string[], env: Record<string, string> = {}) => ended(start(args, env))

/** Another npm: a program of ours by npm's name. */
const npmThat = (script: string) => ({ npm_execpath: write('stub/npm-cli.js', script) })

const preload = (script: string) => ({ NODE_OPTIONS: `--require=${write('preload.cjs', script)}` })
const onNode20 = `Object.defineProperty(process.versions, 'node', { value: '20.9.0' })\n`

describe('a program of the repository', () => {
  it('gets its arguments, and its exit code is kept; the second time nothing is installed', async () => {
    const first = await launch(['program.mjs', 'a', '--b'])
    expect(first).toMatchObject({ code: 42, out: `${process.version} a,--b` })
    expect(first.err).toMatch(/installing .*\n.*done in \d+ s$/)
    expect(await launch(['program.mjs'])).toEqual({ code: 42, out: process.version, err: '' })
  })

  it('gets the signals sent to the launcher', async () => {
    const ready = `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 999); console.log('ready')`
    write('program.mjs', ready)
    const child = start(['program.mjs'])
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    expect(await ended(child)).toMatchObject({ code: 7, out: 'ready' })
  })

  it('that dies of a signal is reported as a shell would', async () => {
    write('program.mjs', `process.kill(process.pid, 'SIGKILL')`)
    expect((await launch(['program.mjs'])).code).toBe(137)
  })
})

describe('the installation', () => {
  const slow = `
    const fs = require('node:fs')
    fs.appendFileSync('begun', 'x')
    if (fs.existsSync('busy')) fs.writeFileSync('clash', '')
    fs.writeFileSync('busy', '')
    fs.mkdirSync('node_modules', { recursive: true })
    setTimeout(() => fs.rmSync('busy'), 1200)`

  it('is done again when the lockfile has changed', async () => {
    await launch(['program.mjs'])
    lockfile({ '': { name: 'small', version: '1.0.1' } })
    expect((await launch(['program.mjs'])).err).toContain('installing')
  })

  it('is done once by several at a time', async () => {
    const npm = npmThat(slow)
    const all = await Promise.all([1, 2, 3].map(() => launch(['program.mjs'], npm)))
    expect(all.map(({ code }) => code)).toEqual([42, 42, 42])
    expect(all.filter(({ err }) => err.includes('installing'))).toHaveLength(1)
    expect(existsSync(join(root, 'clash'))).toBe(false)
    expect(readdirSync(join(root, '.cache'))).toEqual([])
  })

  it('is begun again after kill -9, and not beside the npm that outlived it', async () => {
    const npm = npmThat(slow)
    const killed = start(['program.mjs'], npm)
    while (!existsSync(join(root, 'busy'))) await new Promise((resolve) => setTimeout(resolve, 20))
    killed.kill('SIGKILL')
    const again = await launch(['program.mjs'], npm)
    expect(again.code).toBe(42)
    expect(again.err).toMatch(/waiting .*\n.*installing/)
    expect(existsSync(join(root, 'clash'))).toBe(false)
  })

  it('does not wait for an owner long dead, though its number be used again', async () => {
    mkdirSync(join(root, '.cache'))
    symlinkSync(`999999999:1,${process.pid}:1`, join(root, '.cache/install.lock'))
    expect((await launch(['program.mjs'])).code).toBe(42)
  })
})

describe('Node, where the one at hand is too old', () => {
  const bringing = (text: string) => `
    const fs = require('node:fs')
    if (process.cwd().endsWith('${platform}')) {
      fs.mkdirSync('node_modules/node-${platform}/bin', { recursive: true })
      fs.writeFileSync('node_modules/node-${platform}/bin/node', ${JSON.stringify(text)}, { mode: 0o755 })
    } else fs.mkdirSync('node_modules', { recursive: true })`
  const env = (node: string) => {
    write(`tools/runtime/${platform}/package-lock.json`, '{}')
    return { ...npmThat(bringing(node)), ...preload(onNode20) }
  }

  it('is brought, and runs npm and the program', async () => {
    const marked = `#!/bin/sh\nexport BROUGHT=yes NODE_OPTIONS=\nexec ${process.execPath} "$@"\n`
    write('program.mjs', 'console.log(process.env.BROUGHT)')
    const first = await launch(['program.mjs'], env(marked))
    expect(first).toMatchObject({ code: 0, out: 'yes' })
    expect(first.err).toMatch(
      /^sallyport: this machine's Node is 20\.9\.0, and Sallyport needs 24 or newer: bringing/,
    )
    expect(await launch(['program.mjs'], env(marked))).toEqual({ code: 0, out: 'yes', err: '' })
  })

  it('is refused when it does not run here, and tried afresh the next time', async () => {
    const broken = '#!/bin/sh\necho "version GLIBC_2.28 not found" >&2\nexit 1\n'
    const refused = await launch(['program.mjs'], env(broken))
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(
      /does not run on this machine \(version GLIBC_2.28 not found\): install Node 24 yourself/,
    )
    expect((await launch(['program.mjs'], env(broken))).err).toContain('bringing')
  })

  it.each([
    [
      `Object.defineProperty(process, 'arch', { value: 'riscv64' })`,
      /linux-riscv64: install Node 24 yourself/,
    ],
    [
      'process.report.getReport = () => ({ header: {} })',
      /needs glibc, which is not here: install Node 24 yourself/,
    ],
    [`Object.defineProperty(process.versions, 'node', { value: '16.20.2' })`, /Node is 16\.20\.2, too old/],
  ])('is asked for in one sentence where none can be brought: %s', async (machine, sentence) => {
    write(`tools/runtime/${platform}/package-lock.json`, '{}')
    const { code, err } = await launch(['program.mjs'], preload(onNode20 + machine))
    expect(code).toBe(1)
    expect(err).toMatch(sentence)
    expect(err.split('\n')).toHaveLength(1)
  })
})

describe('what goes wrong ends in one sentence', () => {
  it('no network', async () => {
    const integrity = `sha512-${'A'.repeat(86)}==`
    lockfile({
      '': { name: 'small', version: '1.0.0', dependencies: { nothing: '1.0.0' } },
      'node_modules/nothing': { version: '1.0.0', integrity },
    })
    write('package.json', '{ "name": "small", "version": "1.0.0", "dependencies": { "nothing": "1.0.0" } }')
    const env = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: join(root, 'cache') }
    const { code, err } = await launch(['program.mjs'], { ...env, npm_config_fetch_retries: '0' })
    expect(code).toBe(1)
    expect(err.split('\n').at(-1)).toMatch(
      /^sallyport: the npm registry cannot be reached \(ECONNREFUSED\): connect/,
    )
  })

  it.each([
    ['npm error code ENOSPC', 228, /no disk space left for .*: free about 1 GB/],
    ['npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write', 0, /no disk space left/],
    [
      'npm error code EACCES\nnpm error path /somewhere',
      243,
      /\/somewhere cannot be written \(EACCES\): make it/,
    ],
    ['npm error code EROFS', 226, /cannot be written \(EROFS\): make it writable/],
    ['npm error code EINTEGRITY', 1, /not the one that the lockfile names/],
    ['npm error code E503', 1, /registry cannot be reached \(E503\)/],
    [
      'npm error code EUSAGE\nnpm error out of sync',
      1,
      /and said:\ncode EUSAGE\nout of sync\nsallyport: mend/,
    ],
  ])('%s', async (said, exitCode, sentence) => {
    const npm = npmThat(`console.error(${JSON.stringify(said)}); process.exitCode = ${exitCode}`)
    const { code, out, err } = await launch(['program.mjs'], npm)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(sentence)
    expect(existsSync(join(root, 'node_modules/.sallyport'))).toBe(false)
  })

  it('a folder that cannot be written', async () => {
    write('.cache', 'a file in the way')
    const { code, err } = await launch(['program.mjs'])
    expect({ code, lines: err.split('\n').length }).toEqual({ code: 1, lines: 1 })
  })
})
