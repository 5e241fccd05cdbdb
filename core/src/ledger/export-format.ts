import { isLedgerHash, isLedgerId } from './canonical.ts'
import { checkpointText, isCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint } from './entry.ts'

/**
 * An export is JSON Lines in UTF-8, every line ended by a line feed: one header; the entries, each
 * followed by the checkpoint that was kept at it, if one was; one footer. Each line has one spelling.
 */
export interface ExportHeader {
  kind: 'header'
  ledger: string
  publicKey: string
  /** The checkpoint the first entry follows, when older ones were pruned; `null` from the beginning. */
  anchor: LedgerCheckpoint | null
}

export interface ExportEntry {
  kind: 'entry'
  hash: string
  body: string
}

/** A kept checkpoint. It never ends an export: without a footer what follows may be lost. */
export interface ExportCheckpoint {
  kind: 'checkpoint'
  checkpoint: LedgerCheckpoint
}

/** The head when the export was made, and how many lines of either kind lie before it. */
export interface ExportFooter {
  kind: 'footer'
  entries: number
  checkpoints: number
  head: LedgerCheckpoint
}

export type ExportLine = ExportHeader | ExportEntry | ExportCheckpoint | ExportFooter

const LINE_OPEN = '{"kind":"'
const HEADER_OPEN = '{"kind":"header","format":"sallyport-ledger","version":1'
const ENTRY_OPEN = '{"kind":"entry","hash":"'
const ENTRY_MIDDLE = '","entry":'
const BODY_AT = ENTRY_OPEN.length + 64 + ENTRY_MIDDLE.length

/** The line's text, without its line feed. */
export function formatLine(line: ExportLine): string {
  switch (line.kind) {
    case 'header': {
      const anchor = line.anchor === null ? 'null' : checkpointText(line.anchor)
      return `${HEADER_OPEN},"ledger":${JSON.stringify(line.ledger)},"publicKey":${JSON.stringify(line.publicKey)},"anchor":${anchor}}`
    }
    case 'entry':
      return `${ENTRY_OPEN}${line.hash}${ENTRY_MIDDLE}${line.body}}`
    case 'checkpoint':
      return `{"kind":"checkpoint","checkpoint":${checkpointText(line.checkpoint)}}`
    case 'footer':
      return `{"kind":"footer","entries":${line.entries},"checkpoints":${line.checkpoints},"head":${checkpointText(line.head)}}`
  }
}

/** What a line says; `null` unless the text is exactly what `formatLine` makes of it. */
export function readLine(text: string): ExportLine | null {
  if (text.startsWith(ENTRY_OPEN)) return readEntryLine(text)
  try {
    const line: unknown = JSON.parse(text)
    return isLine(line) && formatLine(line) === text ? line : null
  } catch {
    return null
  }
}

/**
 * Whether a line may have begun with this text and been torn off: one JSON object, not closed before the
 * end, without control characters (JSON escapes them).
 */
export function canBeginLine(text: string): boolean {
  if (!text.startsWith(LINE_OPEN.slice(0, text.length))) return false
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!
    if (char < ' ' || (at > 0 && depth === 0)) return false
    if (quoted && char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (!quoted && (char === '{' || char === '[')) depth += 1
    else if (!quoted && (char === '}' || char === ']')) depth -= 1
  }
  return true
}

/** The body stays the text it was: its hash covers that text and nothing else. */
function readEntryLine(text: string): ExportEntry | null {
  const hash = text.slice(ENTRY_OPEN.length, ENTRY_OPEN.length + 64)
  const framed = text.startsWith(ENTRY_MIDDLE, BODY_AT - ENTRY_MIDDLE.length) && text.endsWith('}')
  return framed && isLedgerHash(hash) ? { kind: 'entry', hash, body: text.slice(BODY_AT, -1) } : null
}

function isLine(value: unknown): value is ExportLine {
  if (typeof value !== 'object' || value === null) return false
  const line = value as Record<string, unknown>
  if (line.kind === 'header') {
    const anchored = line.anchor === null || isCheckpoint(line.anchor)
    return isLedgerId(line.ledger) && typeof line.publicKey === 'string' && anchored
  }
  if (line.kind === 'checkpoint') return isCheckpoint(line.checkpoint)
  if (line.kind !== 'footer') return false
  return (
    Number.isSafeInteger(line.entries) && Number.isSafeInteger(line.checkpoints) && isCheckpoint(line.head)
  )
}
