import { fieldMark, type Pattern, type ThreatCategory, threatCategories } from './pattern.ts'
import { scannerHeaders } from './patterns/scanner.ts'
import { patterns as allPatterns } from './patterns.ts'
import { decodePercent, isSecretName, readJson, readParameters, squeeze, unmask } from './plain-text.ts'
import { createWordAutomaton } from './word-automaton.ts'

export interface DetectorSettings {
  /** `observe` says what it sees and blocks nothing. */
  mode: 'observe' | 'block'
  /** From which score on a request is suspicious, and from which it is one to refuse. */
  scores: { suspicious: number; block: number }
  /** By category: 0 turns it off, 1 leaves its patterns' weights as they are, 0.5 halves them. */
  weights: Readonly<Record<ThreatCategory, number>>
}

export const defaultDetectorSettings: DetectorSettings = {
  mode: 'block',
  scores: { suspicious: 40, block: 70 },
  weights: { scanner: 1, sqli: 1, xss: 1, traversal: 1, command: 1 },
}

/** A request as it came: nothing decoded yet. */
export interface JudgedRequest {
  userAgent: string | null
  path: string
  /** Without the question mark. */
  query: string
  headers?: Readonly<Record<string, string | string[] | undefined>>
  /** JSON that was parsed, or a body as text. */
  body?: unknown
}

export interface Judgement {
  /** 0 to 100: the strongest category's, and ten for each further one. */
  score: number
  categories: Partial<Record<ThreatCategory, number>>
  /** The patterns that were found; never what they found, which may be somebody's. */
  patterns: string[]
  action: 'allow' | 'suspect' | 'block'
}

export interface Detector {
  judge(request: JudgedRequest): Judgement
}

const mostKnownAgents = 1_000
const longestKnownAgent = 300

const nothing: Judgement = { score: 0, categories: {}, patterns: [], action: 'allow' }

/** What each further pattern adds to the strongest of its category, and each further category to the score. */
const furtherPattern = 5
const furtherCategory = 10

/** Finds signs of attacks in requests. Linear in their length, whatever they hold. */
export function createDetector(settings: DetectorSettings = defaultDetectorSettings): Detector {
  const patterns = allPatterns.filter(({ category }) => settings.weights[category] > 0)
  const findInText = createFinder(patterns.filter(({ place }) => place !== 'agent'))
  const findInAgent = createFinder(patterns.filter(({ place }) => place === 'agent'))
  const knownAgents = new Map<string, ReadonlySet<Pattern>>()
  const probing: Pattern | undefined = patterns.find(({ name }) => name === 'scanner-probe')

  return {
    judge(request) {
      const found = new Set<Pattern>()
      findEverywhere(textOf(request), found)
      if (request.userAgent !== null) for (const pattern of findOfAgent(request.userAgent)) found.add(pattern)
      if (probing && request.headers && hasScannerHeader(request.headers)) found.add(probing)
      return found.size === 0 ? nothing : weigh(found, settings)
    },
  }

  /** The same few agents come again and again. */
  function findOfAgent(agent: string): ReadonlySet<Pattern> {
    const known = knownAgents.get(agent)
    if (known) return known
    const found = new Set<Pattern>()
    findInAgent(agent, found)
    findEverywhere(decodePercent(agent, { plusIsSpace: false }), found)
    if (agent.length > longestKnownAgent) return found
    if (knownAgents.size >= mostKnownAgents) knownAgents.delete(knownAgents.keys().next().value!)
    knownAgents.set(agent, found)
    return found
  }

  function findEverywhere(text: string, found: Set<Pattern>): void {
    const plain = squeeze(text)
    findInText(plain, found)
    const unmasked = unmask(text)
    if (unmasked !== null) findInText(squeeze(unmasked), found)
  }
}

/**
 * So many tries of patterns are enough for prose and code of 64 KiB, the longest that a gate takes; what asks for more
 * is made to be slow, and this is its name.
 */
const mostTries = 100_000
const crowded: Pattern = {
  ...{ name: 'crowded-text', category: 'command', weight: 45, words: [], expression: '' },
  ...{ for: '', against: '' },
}

/** Tries each pattern where one of its words stands, until it is found once. */
function createFinder(patterns: readonly Pattern[]): (text: string, found: Set<Pattern>) => void {
  const words = [...new Set(patterns.flatMap((pattern) => pattern.words))]
  const tries = patterns.map((pattern) => ({ pattern, expression: new RegExp(pattern.expression, 'iy') }))
  const triesOf = words.map((word) => tries.filter(({ pattern }) => pattern.words.includes(word)))
  const findWords = createWordAutomaton(words)
  return (text, found) => {
    let triesLeft = mostTries
    findWords(text, (word, start) => {
      if (triesLeft <= 0) return
      for (const { pattern, expression } of triesOf[word]!) {
        if (found.has(pattern)) continue
        triesLeft--
        expression.lastIndex = start
        if (expression.test(text)) found.add(pattern)
      }
    })
    if (triesLeft <= 0) found.add(crowded)
  }
}

function weigh(found: ReadonlySet<Pattern>, settings: DetectorSettings): Judgement {
  const categories: Partial<Record<ThreatCategory, number>> = {}
  for (const category of threatCategories) {
    const weights = [...found].filter((pattern) => pattern.category === category).map(({ weight }) => weight)
    if (weights.length === 0) continue
    const sum = Math.max(...weights) + furtherPattern * (weights.length - 1)
    categories[category] = Math.min(100, Math.round(sum * settings.weights[category]))
  }
  const scores = Object.values(categories)
  const score = Math.min(100, Math.max(...scores) + furtherCategory * (scores.length - 1))
  return {
    score,
    categories,
    patterns: [...found].map(({ name }) => name),
    action: actionAt(score, settings),
  }
}

function actionAt(score: number, { scores, mode }: DetectorSettings): Judgement['action'] {
  if (score < scores.suspicious) return 'allow'
  return score >= scores.block && mode === 'block' ? 'block' : 'suspect'
}

/** The headers in which attacks come; others are of a form that servers check, or too free to judge. */
const chosenHeaders = [
  'referer',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-original-url',
  'x-api-version',
  'from',
]

function textOf({ path, query, headers, body }: JudgedRequest): string {
  let text = decodePercent(path, { plusIsSpace: false })
  if (query !== '') text += fieldMark + readParameters(query)
  if (headers) {
    for (const name of chosenHeaders) {
      const value = headers[name]
      if (value) text += fieldMark + decodePercent(String(value), { plusIsSpace: true })
    }
    if (headers.cookie) text += fieldMark + readCookies(String(headers.cookie))
  }
  const inBody = body === undefined || body === null ? '' : readBody(body)
  return inBody === '' ? text : text + fieldMark + inBody
}

function readCookies(header: string): string {
  const kept = header.split(/; ?/).filter((pair) => !isSecretName(pair.slice(0, pair.indexOf('='))))
  return decodePercent(kept.join(fieldMark), { plusIsSpace: true })
}

function readBody(body: unknown): string {
  if (typeof body !== 'string') return readJson(body)
  if (/^\s*[[{]/.test(body)) {
    try {
      return readJson(JSON.parse(body))
    } catch {
      // Not JSON after all: a form, or plain text.
    }
  }
  return readParameters(body)
}

function hasScannerHeader(headers: Readonly<Record<string, unknown>>): boolean {
  return scannerHeaders.some((name) => headers[name] !== undefined)
}
