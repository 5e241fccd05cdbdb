import { closeSync, openSync, readSync } from 'node:fs'
import { describeFaults, type Fault, SallyportError } from '@sallyport/core'
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'

const largestFile = 128 * 1024
const deepest = 64
const mostAliases = 32
const mostFaults = 20

/**
 * Reads YAML (or JSON, which is YAML) that a person wrote: of bounded size, depth and references to
 * itself, so that a file made to exhaust its reader is refused before it can.
 */
export function readYaml(file: string): Record<string, unknown> {
  const text = readBounded(file)
  if (isTooDeep(text)) throw refusal(`${file}: is nested deeper than ${deepest} levels`)
  const lines = new LineCounter()
  // The parser compares each key with every other, so keys are compared here.
  const options = { lineCounter: lines, merge: false, prettyErrors: false, uniqueKeys: false }
  const document = withoutTraces(() => parseDocument(text, options))
  const found = document.errors.length > 0 ? document.errors : findUnfitKeys(document)
  const faults = found.slice(0, mostFaults).map(({ pos, message }): Fault => {
    return { path: `${file}:${lines.linePos(pos[0]).line}`, message: message.split('\n')[0]! }
  })
  if (faults.length > 0) throw new SallyportError('config_invalid', describeFaults(faults), { faults })
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: mostAliases })
  } catch (cause) {
    throw refusal(`${file}: refers to itself too often to be read safely`, cause)
  }
  if (value === null || value === undefined) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  throw refusal(`${file}: must be a mapping of keys to values`)
}

/** Never more than the bound, whatever the file says of its own size: it may be a pipe or a device. */
function readBounded(file: string): string {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const buffer = Buffer.alloc(largestFile + 1)
      let length = 0
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = readSync(descriptor, buffer, length, buffer.length - length, null)
      }
      if (length <= largestFile) return buffer.toString('utf8', 0, length)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw refusal(`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
  throw refusal(`${file}: is larger than the ${largestFile} bytes that are read`)
}

/** A coarse look before the parser, which descends once a level: brackets, and `- - -` on one line. */
function isTooDeep(text: string): boolean {
  let depth = 0
  for (const bracket of text.matchAll(/[[{}\]]/g)) {
    depth = '[{'.includes(bracket[0]) ? depth + 1 : Math.max(0, depth - 1)
    if (depth > deepest) return true
  }
  return /(?:[-?:][ \t]+){64}/.test(text)
}

/** A hostile file has tens of thousands of faults, and a stack trace for each would fill the memory. */
function withoutTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Of two equal keys one would silently win, and a key that is no plain text could hide either. */
function findUnfitKeys(document: Document): { pos: readonly [number, ...number[]]; message: string }[] {
  const found: ReturnType<typeof findUnfitKeys> = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>()
      for (const { key } of items) {
        const pos = (key as { range?: readonly [number, ...number[]] | null }).range ?? [0]
        const name = isScalar(key) ? String(key.value) : null
        if (name === null) found.push({ pos, message: 'a key must be plain text' })
        else if (seen.has(name)) found.push({ pos, message: `${JSON.stringify(name)} is there already` })
        else seen.add(name)
      }
    },
  })
  return found
}

function refusal(message: string, cause?: unknown): SallyportError {
  return new SallyportError('config_invalid', message, { cause })
}
