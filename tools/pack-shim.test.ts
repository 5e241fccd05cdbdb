import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packShim } from './pack-shim.ts'

const root = join(import.meta.dirname, '..')
let work: string
let packed: { tarball: string; dependencies: string[] }

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'pack-shim-'))
  packed = await packShim(join(work, 'shim'))
}, 60_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Every package that an installation would bring, by the lockfile. */
function closure(names: readonly string[]): Set<string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const found = new Set<string>()
  const waiting = [...names]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const entry = packages[`node_modules/${name}`]
    if (found.has(name) || entry === undefined) continue
    found.add(name)
    waiting.push(...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
  }
  return found
}

function sizeOf(path: string): number {
  return Number(execFileSync('du', ['-sk', path], { encoding: 'utf8' }).split('\t')[0]) * 1024
}

describe('the packed serial gate', () => {
  it('brings a handful of packages: no server, no database driver, no pages', () => {
    expect(packed.dependencies).toEqual(['pino', 'serialport'])
    const all = closure(packed.dependencies)
    const strangers = /hono|fastify|express|^pg|postgres|react|vite|nodemailer|simplewebauthn|bcrypt/
    expect([...all].filter((name) => strangers.test(name))).toEqual([])
    const bytes = [...all].reduce((sum, name) => sum + sizeOf(join(root, 'node_modules', name)), 0)
    expect(bytes + statSync(packed.tarball).size).toBeLessThan(60_000_000)
  })

  it('runs where nothing else is, and carries the licences of what is in it', () => {
    const folder = join(work, 'app')
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    execFileSync('tar', ['xzf', packed.tarball], { cwd: folder })
    for (const name of packed.dependencies)
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    const own = join(folder, 'package')
    const run = (...words: string[]) =>
      execFileSync(process.execPath, [join(own, 'bin/sallyport.mjs'), ...words], {
        encoding: 'utf8',
        cwd: folder,
        // Not under the home of whoever runs the tests.
        env: { ...process.env, NODE_COMPILE_CACHE: join(work, 'cache') },
      })
    expect(run('shim', 'check', '--config', join(own, 'shim.example.yaml'))).toContain('valid: ')
    // Bundles are asked for here, and made elsewhere.
    expect(run('shim', 'bundle', '--help')).toContain('request')
    expect(run('shim', 'bundle', '--help')).not.toContain('keygen')
    expect(run('recording', 'keygen', '--help')).toContain('Usage: sallyport recording keygen')
    expect(run('ledger', '--help')).toContain('export')
    const licences = readFileSync(join(own, 'THIRD-PARTY-LICENSES'), 'utf8')
    for (const name of ['commander', 'uqr', 'yaml', 'zod']) expect(licences).toContain(`${name}\n\n`)
    expect(existsSync(join(own, 'LICENSE'))).toBe(true)
  })
})
