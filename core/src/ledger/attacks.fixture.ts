import { encodeBody, hashBody, parseBody } from './canonical.ts'
import type { LedgerCheckpoint } from './entry.ts'
import { type ExportLine, formatLine, readLine } from './export-format.ts'

export const parse = (line: string): ExportLine => readLine(line.slice(0, -1))!
export const format = (line: ExportLine): string => `${formatLine(line)}\n`

/** Edits entry `seq`, and gives it and all that follow the hashes that fit. Nothing is signed anew. */
export function rehash(
  lines: readonly string[],
  seq: number,
  resign?: (head: LedgerCheckpoint) => LedgerCheckpoint,
) {
  let prev = ''
  const adopt = (head: LedgerCheckpoint) => {
    const moved = head.seq < seq ? head : { ...head, hash: prev }
    return resign === undefined ? moved : resign(moved)
  }
  return lines.map((text) => {
    const line = parse(text)
    if (line.kind === 'checkpoint') return format({ ...line, checkpoint: adopt(line.checkpoint) })
    if (line.kind === 'footer') return format({ ...line, head: adopt(line.head) })
    if (line.kind === 'header') return text
    const old = parseBody(line.body)!
    const edited = old.seq === seq ? { ...old, gate: 'forged' } : old
    const body = encodeBody({ ...old, prev: old.seq > seq ? prev : old.prev }, edited)
    prev = hashBody(body)
    return format({ kind: 'entry', hash: prev, body })
  })
}

/** The export as it would be had it ended, signed, at the interior checkpoint on line `at`. */
export function endAt(lines: readonly string[], at: number): string[] {
  const end = parse(lines[at]!)
  if (end.kind !== 'checkpoint') throw new Error('there is no checkpoint on that line')
  const kinds = lines.slice(0, at + 1).map((line) => parse(line).kind)
  const count = (kind: string) => kinds.filter((one) => one === kind).length
  const counts = { entries: count('entry'), checkpoints: count('checkpoint') }
  return [...lines.slice(0, at + 1), format({ kind: 'footer', ...counts, head: end.checkpoint })]
}

/** The export as it would be had the entries up to the checkpoint on line `at` been pruned. */
export function beginAt(lines: readonly string[], at: number): string[] {
  const [header, end, footer] = [parse(lines[0]!), parse(lines[at]!), parse(lines.at(-1)!)]
  if (header.kind !== 'header' || end.kind !== 'checkpoint' || footer.kind !== 'footer') throw new Error('no')
  const kept = lines.slice(at + 1, -1)
  const entries = kept.filter((line) => parse(line).kind === 'entry').length
  const counted = { ...footer, entries, checkpoints: kept.length - entries }
  return [format({ ...header, anchor: end.checkpoint }), ...kept, format(counted)]
}

export const checkpointLines = (lines: readonly string[]) =>
  lines.flatMap((line, at) => (parse(line).kind === 'checkpoint' ? [at] : []))

export function* inPieces(bytes: Buffer, below: (bound: number) => number) {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + below(700)
    yield bytes.subarray(at, at + size)
    at += size
  }
}
