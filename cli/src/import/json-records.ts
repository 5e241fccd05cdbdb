import { type ImportRecord, SallyportError } from '@sallyport/core'
import { byteStrings, decodeBytes, longestRow, notUtf8, tooLong } from './bytes.ts'

/** An array of objects, or one object a line (JSON Lines). A row that is malformed is said to be. */
export async function* jsonRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportRecord> {
  const pieces = createPieces()
  for await (const text of byteStrings(chunks)) {
    for (let at = 0; at < text.length; at++) {
      const ended = pieces.take(text[at]!)
      if (ended) yield recordOf(ended)
      if (pieces.size() > longestRow) {
        yield { line: pieces.begun(), fault: tooLong }
        return
      }
    }
  }
  const last = pieces.end()
  if (last) yield recordOf(last)
}

type Piece = { line: number; text: string } | { line: number; fault: string }

/** Cuts the text where one row ends and the next begins. */
function createPieces() {
  let shape: 'unknown' | 'lines' | 'array' | 'over' | 'spoilt' = 'unknown'
  let line = 1
  let begun = 1
  let piece = ''
  let depth = 0
  let inString = false
  let escaped = false
  let rows = 0

  function take(character: string): Piece | null {
    const blank = character === ' ' || character === '\n' || character === '\r' || character === '\t'
    if (character === '\n') line++
    if (shape === 'lines' && character === '\n') return cut()
    if (blank && piece === '') return null
    if (piece === '') begun = line
    if (shape === 'spoilt') return null
    if (shape === 'over') {
      shape = 'spoilt'
      return { line, fault: 'stands behind the end of the array' }
    }
    if (shape === 'unknown') {
      shape = character === '[' ? 'array' : 'lines'
      if (shape === 'array') return null
    }
    if (shape === 'array' && depth === 0 && !inString) {
      if (character === ',') return cut() ?? { line: begun, fault: 'is missing before a comma' }
      if (character === ']') return close()
    }
    piece += character
    follow(character)
    return null
  }

  /** Keeps to where strings and nested values begin and end. */
  function follow(character: string): void {
    if (inString) {
      if (escaped) escaped = false
      else if (character === '\\') escaped = true
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth = Math.max(0, depth - 1)
  }

  function cut(): Piece | null {
    const ended = piece.trim() === '' ? null : { line: begun, text: piece }
    piece = ''
    depth = 0
    inString = false
    escaped = false
    rows++
    return ended
  }

  function close(): Piece | null {
    shape = 'over'
    const first = rows === 0
    return cut() ?? (first ? null : { line: begun, fault: 'is missing after a comma' })
  }

  function end(): Piece | null {
    if (shape === 'unknown') throw new SallyportError('invalid_input', 'line 1: the file is empty')
    if (shape === 'array') return { line: piece === '' ? line : begun, fault: 'lacks the end of the array' }
    return cut()
  }

  return { take, end, size: () => piece.length, begun: () => begun }
}

/** What a parser says of malformed JSON repeats some of it, so it is not passed on. */
function recordOf(piece: Piece): ImportRecord {
  if ('fault' in piece) return piece
  const { line } = piece
  const text = decodeBytes(piece.text)
  if (text === null) return { line, fault: notUtf8 }
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { line, fields: value as Record<string, unknown> } : { line, fault: 'is no object' }
  } catch {
    return { line, fault: 'is no JSON' }
  }
}
