import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JudgedRequest } from '@sallyport/core'
import { parse } from 'yaml'

const version = '3.3.4'

/** One request of the Core Rule Set's regression tests. */
export interface RuleTest {
  id: string
  /** As the rule set parts its rules: 913 scanners, 941 XSS, 942 SQL injection … */
  group: string
  /** The paranoia level of the rule: 1 is the rule set's default, higher ones trade in false alarms. */
  level: number
  /** Whether the rule must find something in it. */
  attack: boolean
  request: JudgedRequest
}

/** Where the regression tests are: in Debian's source package, fetched by apt once and kept. */
export function fetchRuleSet(): string | null {
  const kept = join(tmpdir(), `sallyport-modsecurity-crs-${version}`)
  const unpacked = join(kept, `coreruleset-${version}`)
  if (existsSync(unpacked)) return unpacked
  const work = mkdtempSync(join(tmpdir(), 'sallyport-crs-'))
  const lists = join(work, 'lists')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  const sources = join(work, 'sources.list')
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
  writeFileSync(sources, `deb-src [signed-by=${key}] http://deb.debian.org/debian bookworm main\n`)
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting])
  const apt = (...words: string[]) =>
    execFileSync('apt-get', [...settings, '-qq', ...words], { cwd: work, stdio: 'pipe' })
  try {
    apt('update')
    apt('source', '--download-only', 'modsecurity-crs')
    mkdirSync(kept, { recursive: true })
    execFileSync('tar', ['xf', join(work, `modsecurity-crs_${version}.orig.tar.gz`), '-C', kept])
    return unpacked
  } catch {
    return null
  }
}

export function readRuleTests(ruleSet: string): RuleTest[] {
  const levels = readLevels(join(ruleSet, 'rules'))
  const base = join(ruleSet, 'tests/regression/tests')
  const folders = readdirSync(base).filter((name) => /^REQUEST-\d/.test(name))
  return folders.flatMap((folder) =>
    readdirSync(join(base, folder))
      .filter((file) => file.endsWith('.yaml'))
      .flatMap((file) => readFile(join(base, folder, file), { rule: file.slice(0, 6), levels })),
  )
}

interface Stage {
  input: {
    method?: string
    uri?: string
    headers?: Record<string, unknown>
    data?: string | string[]
    encoded_request?: string
  }
  output: { log_contains?: string }
}

function readFile(
  path: string,
  { rule, levels }: { rule: string; levels: ReadonlyMap<string, number> },
): RuleTest[] {
  const { tests = [] } = parse(readFileSync(path, 'utf8'), { strict: false, uniqueKeys: false }) as {
    tests?: { test_title: string; stages: { stage: Stage }[] }[]
  }
  return tests.flatMap(({ test_title: title, stages }) =>
    stages.map(({ stage: { input, output } }, index) => ({
      id: `${title}/${index}`,
      group: rule.slice(0, 3),
      level: levels.get(rule) ?? 1,
      attack: output.log_contains !== undefined,
      request: requestOf(input),
    })),
  )
}

function requestOf({
  uri = '/',
  headers = {},
  data,
  encoded_request: encoded,
}: Stage['input']): JudgedRequest {
  if (encoded !== undefined) return parseRequest(Buffer.from(encoded, 'base64').toString('latin1'))
  const named = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  )
  const body = Array.isArray(data) ? data.join('') : data
  return { ...splitUri(uri), userAgent: named['user-agent'] ?? null, headers: named, body }
}

function parseRequest(text: string): JudgedRequest {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((header) => [
      header.split(':', 1)[0]!.toLowerCase(),
      header.slice(header.indexOf(':') + 1).trim(),
    ]),
  )
  const body = rest.join('\r\n\r\n')
  return { ...splitUri(line.split(' ')[1] ?? '/'), userAgent: headers['user-agent'] ?? null, headers, body }
}

function splitUri(uri: string): { path: string; query: string } {
  const mark = uri.indexOf('?')
  return mark < 0 ? { path: uri, query: '' } : { path: uri.slice(0, mark), query: uri.slice(mark + 1) }
}

/** `942100` → its paranoia level, as the rule's own tag says. */
function readLevels(rules: string): Map<string, number> {
  const levels = new Map<string, number>()
  for (const file of readdirSync(rules).filter((name) => name.endsWith('.conf'))) {
    for (const rule of readFileSync(join(rules, file), 'utf8').split(/\n(?=SecRule|SecAction)/)) {
      const id = /\bid:'?(\d{6})/.exec(rule)?.[1]
      const level = /paranoia-level\/(\d)/.exec(rule)?.[1]
      if (id && level) levels.set(id, Number(level))
    }
  }
  return levels
}

/** One of the rule set's lists, as Debian's package installs them. */
export function readDataFile(ruleSet: string, name: string): string[] {
  return readFileSync(join(ruleSet, 'rules', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}
