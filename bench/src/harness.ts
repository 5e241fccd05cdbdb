import { median } from './statistics.ts'

/** What one run of a contender saw: `{ 'per second': 6200, 'p99 ms': 4.9 }`. */
export type Figures = Readonly<Record<string, number>>

export interface Contender {
  name: string
  /** Works for about `ms` milliseconds, or does its one piece of work, and fails when that goes wrong. */
  run(ms: number): Promise<Figures>
}

/** A figure of a contender. */
export type Cell = readonly [contender: string, figure: string]

/** What is claimed of a figure, or of the ratio of two. Without a bound it is shown, and judged by nobody. */
export interface Claim {
  text: string
  of: Cell
  per?: Cell
  atLeast?: number
  atMost?: number
}

/** One piece of work, done by ours and by whatever it is measured against. */
export interface Race {
  contenders: readonly Contender[]
  claims: readonly Claim[]
  close?(): Promise<void>
}

export interface Row {
  name: string
  title: string
  prepare(): Promise<Race>
}

export interface Pace {
  rounds: number
  /** How long each contender runs in each round. */
  ms: number
}

/** The median over the rounds, and how far they lie apart. */
export interface Spread {
  median: number
  min: number
  max: number
}

export interface RowResult {
  name: string
  title: string
  pace: Pace
  contenders: { name: string; figures: Record<string, Spread> }[]
  claims: { text: string; value: Spread; atLeast?: number; atMost?: number; holds: boolean | null }[]
}

/** Far beyond any run: what is not back by then hangs. */
const longestRun = 60_000

/**
 * Runs all contenders of a row in turn, round after round, so that whatever else the machine does at some
 * moment falls on all of them. The first round warms up and is thrown away.
 */
export async function runRow(row: Row, pace: Pace): Promise<RowResult> {
  const { name, title } = row
  const { contenders, claims, close } = await row.prepare()
  try {
    const seen = new Map<string, Figures[]>(contenders.map((contender) => [contender.name, []]))
    for (const contender of contenders) await runOnce(contender, pace.ms)
    for (let round = 0; round < pace.rounds; round++) {
      for (const contender of rotated(contenders, round)) {
        seen.get(contender.name)!.push(await runOnce(contender, pace.ms))
      }
    }
    return {
      ...{ name, title, pace },
      contenders: contenders.map((contender) => ({
        name: contender.name,
        figures: spreads(seen.get(contender.name)!),
      })),
      claims: claims.map((claim) => judge(claim, seen)),
    }
  } finally {
    await close?.()
  }
}

/** Nobody always goes first, nor always after the same one at the seam of two rounds. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}

async function runOnce({ name, run }: Contender, ms: number): Promise<Figures> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} is not back after ${longestRun} ms`)), longestRun)
  })
  return Promise.race([run(ms), late]).finally(() => clearTimeout(timer))
}

function spreads(rounds: readonly Figures[]): Record<string, Spread> {
  const names = Object.keys(rounds[0]!)
  return Object.fromEntries(names.map((name) => [name, spread(rounds.map((figures) => figures[name]!))]))
}

/** A ratio is taken within each round, where both met the same machine; only then comes the median. */
function judge(claim: Claim, seen: ReadonlyMap<string, readonly Figures[]>): RowResult['claims'][number] {
  const { text, of, per, atLeast, atMost } = claim
  const above = values(of, seen)
  const below = per && values(per, seen)
  const value = spread(above.map((figure, round) => figure / (below?.[round] ?? 1)))
  const bounded = atLeast !== undefined || atMost !== undefined
  const holds = value.median >= (atLeast ?? -Infinity) && value.median <= (atMost ?? Infinity)
  return {
    ...{ text, value, holds: bounded ? holds : null },
    ...(atLeast !== undefined && { atLeast }),
    ...(atMost !== undefined && { atMost }),
  }
}

function values([contender, figure]: Cell, seen: ReadonlyMap<string, readonly Figures[]>): number[] {
  const rounds = seen.get(contender)
  if (!rounds) throw new Error(`a claim names "${contender}", who is no contender`)
  return rounds.map((figures) => {
    const value = figures[figure]
    if (value === undefined) throw new Error(`${contender} has no figure "${figure}"`)
    return value
  })
}

function spread(figures: readonly number[]): Spread {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) }
}
