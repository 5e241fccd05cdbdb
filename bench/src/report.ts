import type { Environment } from './environment.ts'
import type { RowResult, Spread } from './harness.ts'

export interface Run {
  /** When it began, as an ISO time. */
  at: string
  environment: Environment
  load: { start: number; end: number }
  rows: RowResult[]
}

/** The run as Markdown: what a person reads in the terminal and keeps. */
export function toMarkdown({ at, environment, load, rows }: Run): string {
  const { commit, cpu, cores, memoryGiB, system, node, sqlite, peers } = environment
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`)
  return [
    `# Benchmark of ${at}`,
    [
      `- commit ${commit}`,
      `- ${cpu}, ${cores} cores, ${memoryGiB} GiB; ${system}; Node ${node}, SQLite ${sqlite}`,
      `- load average ${load.start} at the start, ${load.end} at the end`,
      `- beside us: ${versions.join(', ')}`,
    ].join('\n'),
    ...rows.map(rowToMarkdown),
  ].join('\n\n')
}

export function rowToMarkdown({ name, title, pace, contenders, claims }: RowResult): string {
  const heads = [...new Set(contenders.flatMap(({ figures }) => Object.keys(figures)))]
  const lines = contenders.map((contender) => [
    contender.name,
    ...heads.map((head) => (contender.figures[head] ? show(contender.figures[head]) : '')),
  ])
  const judged = claims.map(({ text, value, atLeast, atMost, holds }) => [
    text,
    show(value),
    [atLeast !== undefined && `≥ ${format(atLeast)}`, atMost !== undefined && `≤ ${format(atMost)}`]
      .filter(Boolean)
      .join(', '),
    holds === null ? '' : holds ? 'holds' : 'MISSED',
  ])
  return [
    `## ${name}: ${title}`,
    `Medians of ${pace.rounds} rounds of ${pace.ms} ms, interleaved; in brackets the lowest and the highest.`,
    table(['', ...heads], lines),
    table(['claim', 'measured', 'wanted', ''], judged),
  ].join('\n\n')
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...lines].map((cells) => cells[column]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column]!, column)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), line(rule), ...lines.map(line)].join('\n')
}

const pad = (cell: string, width: number, column: number) =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width)

function show({ median, min, max }: Spread): string {
  return min === max ? format(median) : `${format(median)} (${format(min)}–${format(max)})`
}

/** Three significant digits say all that such a figure knows. */
function format(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
