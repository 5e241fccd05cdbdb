import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkBoundaries } from './boundaries.ts'

const packages = {
  '@sallyport/core': 'core',
  '@sallyport/protocol': 'protocol',
  '@sallyport/store': 'store',
  '@sallyport/adapters': 'adapters',
  '@sallyport/gate-http': 'gates/http',
  '@sallyport/gate-serial': 'gates/serial',
  '@sallyport/sdk': 'sdk',
  '@sallyport/web': 'web',
  '@sallyport/cli': 'cli',
  '@sallyport/example-one': 'examples/one',
  '@sallyport/example-two': 'examples/two',
  '@sallyport/bench': 'bench',
}

let root: string

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

async function rulesBroken(files: Record<string, string>): Promise<string[]> {
  for (const [file, text] of Object.entries(files)) write(file, text)
  const { breaches } = await checkBoundaries(root)
  return [...new Set(breaches.map(({ rule }) => rule))].sort()
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boundaries-'))
  for (const [name, folder] of Object.entries(packages)) {
    write(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: './src/index.ts' }))
    write(join(folder, 'src/index.ts'), 'export const here = 1\nexport type Here = string\n')
    mkdirSync(join(root, 'node_modules/@sallyport'), { recursive: true })
    symlinkSync(join(root, folder), join(root, 'node_modules', name))
  }
  for (const name of ['zod', 'uqr', 'left-pad']) {
    write(
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, type: 'module', exports: './index.js' }),
    )
    write(`node_modules/${name}/index.js`, 'export const z = 1\n')
  }
})

afterEach(() => rmSync(root, { recursive: true }))

const from = (name: string) => `import { here } from '${name}'\nexport const there = here\n`

describe('what is allowed', () => {
  it('passes a tree that keeps to the map', async () => {
    const broken = await rulesBroken({
      'core/src/pure.ts': `import { createHash } from 'node:crypto'\n${from('zod').replaceAll('here', 'z')}export const h = createHash`,
      'core/src/pure.test.ts': `import { readFileSync } from 'node:fs'\nimport './pure.ts'\nexport const r = readFileSync`,
      'core/src/store.ts': `import type { A } from './domain.ts'\nexport interface Port { a: A }`,
      'core/src/domain.ts': `import type { Port } from './store.ts'\nexport interface A { port: Port }`,
      'core/src/factors/factor.ts': 'export interface Factor { type: string }',
      'core/src/factors/shared/otp.ts': 'export const here = 1',
      'core/src/factors/totp.ts': `import type { Factor } from './factor.ts'\nimport { here } from './shared/otp.ts'\nexport const totp: Factor | number = here`,
      'protocol/src/types.ts': `import type { Here } from '@sallyport/core'\nexport type There = Here`,
      'store/src/sqlite.ts': `import { readFileSync } from 'node:fs'\n${from('@sallyport/core')}export const r = readFileSync`,
      'gates/http/src/app.ts': from('@sallyport/core'),
      'gates/http/src/api.ts': from('@sallyport/protocol'),
      'gates/http/src/app.test.ts': from('@sallyport/store'),
      'cli/src/main.ts': from('@sallyport/gate-http'),
      'test/all.test.ts': from('@sallyport/cli'),
    })
    expect(broken).toEqual([])
  })
})

describe('each breach is named', () => {
  it.each([
    ['core-imports', 'core/src/x.ts', from('@sallyport/protocol')],
    ['core-imports', 'core/src/x.test.ts', from('@sallyport/store')],
    ['core-imports', 'core/src/x.ts', `export const lazy = () => import('@sallyport/store')`],
    ['core-imports', 'core/src/x.ts', `import type { Here } from '@sallyport/store'\nexport type T = Here`],
    ['core-pure', 'core/src/x.ts', `import { readFileSync } from 'node:fs'\nexport const r = readFileSync`],
    ['core-pure', 'core/src/x.ts', `export * from 'fs/promises'`],
    ['few-packages', 'core/src/x.ts', `export { z } from 'left-pad'`],
    ['few-packages', 'protocol/src/x.ts', `export { z } from 'left-pad'`],
    ['protocol-imports', 'protocol/src/x.ts', from('@sallyport/store')],
    ['protocol-types-only', 'protocol/src/x.ts', from('@sallyport/core')],
    ['store-imports', 'store/src/x.ts', from('@sallyport/adapters')],
    ['store-imports', 'store/src/x.ts', from('@sallyport/protocol')],
    ['adapters-imports', 'adapters/src/x.ts', from('@sallyport/store')],
    ['gates-imports', 'gates/http/src/x.ts', from('@sallyport/store')],
    ['gates-imports', 'gates/http/src/x.ts', from('@sallyport/adapters')],
    ['strangers', 'gates/http/src/x.ts', from('@sallyport/gate-serial')],
    ['strangers', 'examples/one/src/x.ts', from('@sallyport/example-two')],
    ['sdk-imports', 'sdk/src/x.ts', from('@sallyport/core')],
    ['web-imports', 'web/src/x.ts', from('@sallyport/protocol')],
    ['cli-imports', 'cli/src/x.ts', from('@sallyport/web')],
    ['examples-imports', 'examples/one/src/x.ts', from('@sallyport/cli')],
    ['bench-imports', 'bench/src/x.ts', from('@sallyport/example-one')],
    ['tools-imports', 'tools/x.ts', from('@sallyport/core')],
    ['through-the-index', 'store/src/x.ts', from('../../core/src/index.ts')],
    ['resolvable', 'store/src/x.ts', from('@sallyport/core/src/index.ts')],
    ['resolvable', 'store/src/x.ts', from('./gone.ts')],
  ])('%s: %s', async (rule, file, text) => {
    expect(await rulesBroken({ [file]: text })).toEqual([rule])
  })

  it('test-imports: nothing imports the tests', async () => {
    const broken = await rulesBroken({
      'test/x.ts': 'export const here = 1',
      'cli/src/x.ts': from('../../test/x.ts'),
    })
    expect(broken).toEqual(['cli-imports', 'through-the-index'])
  })

  it('factor-siblings', async () => {
    const factors = { 'core/src/factors/totp.ts': 'export const here = 1' }
    expect(await rulesBroken({ ...factors, 'core/src/factors/email.ts': from('./totp.ts') })).toEqual([
      'factor-siblings',
    ])
  })

  it('shared-by-factors: no way round through what they share', async () => {
    const factors = { 'core/src/factors/totp.ts': 'export const here = 1' }
    expect(await rulesBroken({ ...factors, 'core/src/factors/shared/otp.ts': from('../totp.ts') })).toEqual([
      'shared-by-factors',
    ])
  })

  it('no-cycles: of values, and of types that do not pass through the ports', async () => {
    const values = {
      'core/src/a.ts': from('./b.ts'),
      'core/src/b.ts': `export { there as here } from './a.ts'`,
    }
    expect(await rulesBroken(values)).toEqual(['no-cycles'])
    const types = {
      'core/src/a.ts': `import type { B } from './b.ts'\nexport interface A { b: B }`,
      'core/src/b.ts': `import type { A } from './a.ts'\nexport interface B { a: A }`,
    }
    expect(await rulesBroken(types)).toEqual(['no-cycles'])
  })

  it('something-seen: a check that sees no file is no check', async () => {
    for (const folder of Object.values(packages)) rmSync(join(root, folder, 'src'), { recursive: true })
    write('cli/bin/sallyport.mjs', 'export const here = 1')
    expect(await rulesBroken({})).toEqual(['something-seen'])
  })
})
