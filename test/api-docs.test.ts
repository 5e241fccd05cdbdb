import { readFileSync } from 'node:fs'
import { problemCodes, problemMeanings, statusOf } from '@sallyport/protocol'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8')

it('lists every code of a problem in docs/api.md, with its status and its meaning', () => {
  const byStatus = problemCodes.toSorted((a, b) => statusOf(a) - statusOf(b))
  const rows = byStatus.map((code) => `| ${statusOf(code)} | \`${code}\` | ${problemMeanings[code]} |`)
  expect(page.split('\n').filter((line) => /^\| \d/.test(line))).toEqual(rows)
})
