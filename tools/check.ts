import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installSystemTools } from './system-tools.ts'

/**
 * What `npm test` runs. Every check runs even when an earlier one failed, so that one run shows all.
 * `--static` leaves out the tests; any other arguments are vitest's, and then nothing else runs.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const node = (script: string, ...args: string[]) => spawn(process.execPath, [join(root, script), ...args])

const staticChecks = [
  ['format and lint', () => node('node_modules/@biomejs/biome/bin/biome', 'ci', '--error-on-warnings')],
  ['types', () => node('node_modules/ts7/bin/tsc', '--project', root)],
  ['types of the pages', () => node('node_modules/ts7/bin/tsc', '--project', join(root, 'web'))],
  ['boundaries', () => node('tools/boundaries/boundaries.ts')],
  ['unused code', () => node('node_modules/knip/bin/knip.js')],
  ['lockfiles', () => node('tools/hygiene.ts')],
] as const

function spawn(command: string, args: string[]): boolean {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0
}

function systemTools(): boolean {
  const problem = installSystemTools()
  if (problem) console.error(problem)
  return problem === null
}

/** Runs vitest and says the totals once more on a line of their own, for people and scripts to find. */
function tests(args: string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-check-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const passed = node('node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args)
  console.log(existsSync(report) ? totals(JSON.parse(readFileSync(report, 'utf8'))) : 'vitest made no report')
  rmSync(folder, { recursive: true })
  return passed
}

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

/** A file that could not even be loaded holds no failed test, and counts as one. */
function totals(report: Report): string {
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return `${report.numPassedTests} passed, ${report.numFailedTests + unloaded.length} failed`
}

function step(name: string, work: () => boolean): boolean {
  const begun = performance.now()
  console.log(`\n── ${name}`)
  const passed = work()
  console.log(`${passed ? '✓' : '✗'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`)
  return passed
}

const args = process.argv.slice(2)
const onlyStatic = args[0] === '--static'
const steps: (readonly [string, () => boolean])[] = []
if (!onlyStatic) steps.push(['system tools', systemTools])
if (onlyStatic || args.length === 0) steps.push(...staticChecks)
if (!onlyStatic) steps.push(['tests', () => tests(args)])

const failed = steps.filter(([name, work]) => !step(name, work)).map(([name]) => name)
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(', ')}`)
  process.exitCode = 1
}
