import { createHash } from 'node:crypto'
import { createDetector, type JudgedRequest } from '@sallyport/core'
import { benignAgents, benignValues } from '../../../core/src/threat/benign.fixture.ts'
import { browserAgents, crawlerAgents } from './agents.ts'
import { fetchRuleSet, type RuleTest, readDataFile, readRuleTests } from './core-rule-set.ts'
import { hostileTexts } from './hostile-texts.ts'

/**
 * Prints how much the detector finds of what others call attacks, and how often it cries wolf. The patterns were
 * made with one half of the rule set's tests in view; the other half is what counts.
 *
 * `--missed` lists what was not found, or wrongly.
 */
const listMissed = process.argv.includes('--missed')
const detector = createDetector()

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

/** Whether a test belongs to the half that the patterns were made without. */
function heldBack({ id }: RuleTest): boolean {
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
    countTests(`${name}: held-back half, the rules on by default`, usual.filter(heldBack), target)
    countTests(
      `${name}: the other half, the rules on by default`,
      usual.filter((test) => !heldBack(test)),
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
count('false alarms: other agents', benignAgents.map(byAgent), { most: 0 })
count('false alarms: names, sentences, code, addresses', benignValues.flatMap(byValue), { most: 0 })

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
