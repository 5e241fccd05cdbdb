import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createDetector, type JudgedRequest } from '@sallyport/core'
import { browserAgents, crawlerAgents } from './agents.ts'
import { fetchRuleSet, type RuleTest, readDataFile, readRuleTests } from './core-rule-set.ts'
import { hostileTexts } from './hostile-texts.ts'

/**
 * Prints how much the detector finds of what others call attacks, and how often it cries wolf. The rule set's tests
 * are shown in two halves, parted by the hash of their ids, which should not differ by much. Both were there to read
 * when the patterns were made: the figures say what is covered, and not what a corpus never seen would give.
 *
 * `--missed` lists what was not found, or wrongly.
 */
const listMissed = process.argv.includes('--missed')
const detector = createDetector()
const harmlessTexts = JSON.parse(
  readFileSync(new URL('../../../core/testdata/benign.json', import.meta.url), 'utf8'),
) as { values: string[]; agents: string[] }

interface Line {
  name: string
  of: number
  found: number
  /** At least so much of it, or at most. */
  least?: number
  most?: number
}

const lines: Line[] = []

function count(
  name: string,
  cases: readonly { label: string; request: JudgedRequest }[],
  target: { least?: number; most?: number },
): void {
  const judged = cases.map(({ label, request }) => ({ label, ...detector.judge(request) }))
  const found = judged.filter(({ action }) => action !== 'allow')
  lines.push({ name, of: cases.length, found: found.length, ...target })
  if (!listMissed) return
  const wrong = target.most === undefined ? judged.filter(({ action }) => action === 'allow') : found
  for (const { label, score, patterns } of wrong)
    console.log(`${name}: ${label.slice(0, 240)} (${score}) ${patterns.join(' ')}`)
}

const byAgent = (userAgent: string) => ({ label: userAgent, request: { userAgent, path: '/', query: '' } })
const byValue = (value: string) => [
  {
    label: `query: ${value}`,
    request: { userAgent: null, path: '/', query: `q=${encodeURIComponent(value)}` },
  },
  { label: `body: ${value}`, request: { userAgent: null, path: '/', query: '', body: { text: value } } },
]

/** Which half a test belongs to. */
function isInFirst({ id }: RuleTest): boolean {
  return createHash('sha256').update(id).digest()[0]! % 2 === 0
}

function countTests(
  name: string,
  tests: readonly RuleTest[],
  target: { least?: number; most?: number },
): void {
  const cases = tests.map(({ id, request }) => ({ label: `${id} ${JSON.stringify(request)}`, request }))
  count(name, cases, target)
}

const ruleSet = fetchRuleSet()
if (ruleSet === null) {
  console.log(
    "The Core Rule Set's tests could not be fetched (apt-get source modsecurity-crs, from deb.debian.org): what follows is without them.",
  )
} else {
  const attacks = readRuleTests(ruleSet).filter(({ attack }) => attack)
  const of = (...groups: string[]) => attacks.filter(({ group }) => groups.includes(group))
  for (const [name, tests, least] of [
    ['SQL injection', of('942'), 0.95],
    ['XSS', of('941'), 0.9],
    ['scanners', of('913'), 1],
    ['traversal, files', of('930', '931'), undefined],
    ['commands, code', of('932', '933', '934', '944'), undefined],
  ] as const) {
    const target = least === undefined ? {} : { least }
    const usual = tests.filter(({ level }) => level === 1)
    countTests(`${name}: first half, the rules on by default`, usual.filter(isInFirst), target)
    countTests(
      `${name}: second half, the rules on by default`,
      usual.filter((test) => !isInFirst(test)),
      {},
    )
    countTests(`${name}: all levels, mere fragments of code among them`, tests, {})
  }
  const agents = readDataFile(ruleSet, 'scanners-user-agents.data').map((name) => byAgent(name))
  count('scanners: the list of agents', agents, { least: 1 })
  const urls = readDataFile(ruleSet, 'scanners-urls.data').map((url) => ({
    label: url,
    request: { userAgent: null, path: url, query: '' },
  }))
  count('scanners: the list of paths', urls, { least: 1 })
  const files = readDataFile(ruleSet, 'lfi-os-files.data').map((file) => ({
    label: file,
    request: { userAgent: null, path: '/', query: `f=/${file}` },
  }))
  count('traversal: the list of files', files, {})
  const commands = readDataFile(ruleSet, 'unix-shell.data').map((file) => ({
    label: file,
    request: { userAgent: null, path: '/', query: `f=;/${file} -x` },
  }))
  count('commands: the list of programs', commands, {})
}
const crawlers = crawlerAgents()
count(
  'scanners among the crawlers',
  crawlers.filter(({ isScanner }) => isScanner).map(({ agent }) => byAgent(agent)),
  {},
)
count('false alarms: browsers', browserAgents().map(byAgent), { most: 0 })
const harmless = crawlers.filter(({ isScanner }) => !isScanner)
count(
  'false alarms: search engines and other crawlers',
  harmless.map(({ agent }) => byAgent(agent)),
  { most: 0 },
)
count('false alarms: other agents', harmlessTexts.agents.map(byAgent), { most: 0 })
count('false alarms: names, sentences, code, addresses', harmlessTexts.values.flatMap(byValue), { most: 0 })

console.log('| what | cases | found | share | target |\n|---|---|---|---|---|')
for (const { name, of, found, least, most } of lines) {
  const target = least !== undefined ? `≥ ${least * 100} %` : most !== undefined ? `${most}` : ''
  console.log(
    `| ${name} | ${of} | ${found} | ${((found / Math.max(1, of)) * 100).toFixed(1)} % | ${target} |`,
  )
}

console.log('\n| a megabyte of | ms (best of 5) | target |\n|---|---|---|')
for (const { name, request } of hostileTexts(1_000_000)) {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    detector.judge(request)
    return performance.now() - start
  })
  console.log(`| ${name} | ${Math.min(...times).toFixed(1)} | ≤ 50 |`)
}
