import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDemo, startDemo } from './demo.fixture.ts'

const file = readFileSync(new URL('../TEST_PROCESS.md', import.meta.url), 'utf8')
const separator = '\u001e'

/** Every `sh` block and the `text` block under it, if any. */
const blocks = [...file.matchAll(/```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?/gs)].map((match) => ({
  commands: match[1]!,
  stated: match[2],
}))

/** `…` stands for anything within a line. */
function asPattern(stated: string): RegExp {
  const escaped = stated.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`)
}

describe('TEST_PROCESS.md', () => {
  let demo: RunningDemo
  let printed: string[]

  beforeAll(async () => {
    demo = await startDemo('--debug-codes')
    // One shell, which stops at the first command that fails; after each block, a mark.
    const script = blocks.map(({ commands }) => `${commands}\nprintf '${separator}'`).join('\n')
    const env = { ...process.env, BASE: demo.base }
    const { stdout, stderr } = await promisify(execFile)('sh', ['-e', '-c', script], { env })
    expect(stderr).toBe('')
    printed = stdout.split(separator)
  })
  afterAll(() => demo?.stop())

  it('has a command for every block that states an output', () => {
    expect(blocks.length).toBeGreaterThan(15)
    expect(file.match(/^```text$/gm)).toHaveLength(blocks.filter(({ stated }) => stated).length)
    expect(printed).toHaveLength(blocks.length + 1)
  })

  it.each(blocks.map((block, index) => [index + 1, block] as const))(
    'block %i prints what is stated',
    (number, { stated = '' }) => {
      const output = printed[number - 1]!
      // what curl prints by itself ends without a line break
      expect(output.replace(/\n?$/, '\n')).toMatch(asPattern(stated.replace(/\n?$/, '\n')))
    },
  )

  it('makes the code that the demo gives out', () => {
    const codes = blocks.findIndex(({ commands }) => commands.startsWith('totp()'))
    expect(printed[codes]).toMatch(/^\d{6}\n\d{6}\n$/)
  })
})
