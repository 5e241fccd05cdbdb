import type { SiemEvent } from './event.ts'

/** Characters of one field, tried in turn until the whole line fits. */
const fieldLimits = [1024, 256, 64, 16]
const longestKey = 40
const mostFields = 40
/** What rsyslog takes of one message unless it is told otherwise; RFC 5425 §4.3.1 asks for no less. */
const longestLine = 8192

/**
 * What could end a line, colour a terminal, hide or reverse what is shown: controls, line and paragraph
 * separators, invisible and bidirectional marks, and halves of surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** For formats that have no escape of their own which every receiver would keep: `<U+000A>`. */
export function shown(text: string): string {
  return text.replace(unsafe, (character) => `<U+${hex(character.codePointAt(0)!)}>`)
}

/** The same characters in JSON, which has an escape for them, so that nothing is lost. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at))}`).join(''),
  )
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0')
}

export type Cut = (text: string) => string

/** Writes a line with its fields cut as little as fits; a cut field says how long it was. */
export function fit(write: (cut: Cut) => string): string {
  let line = ''
  for (const limit of fieldLimits) {
    line = write((text) => cut(text, limit))
    if (Buffer.byteLength(line) <= longestLine) break
  }
  return line
}

function cut(text: string, limit: number): string {
  const whole = text.toWellFormed()
  if (whole.length <= limit) return whole
  const kept = whole.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')
  return `${kept}… [${whole.length} characters]`
}

/** No larger than may be stored a hundred thousand times, whatever a client typed. */
export function bounded(event: SiemEvent): SiemEvent {
  const short: Cut = (text) => cut(text, fieldLimits[0]!)
  const { id, type, address, subject, details } = event
  return {
    ...event,
    ...{ id: short(id), type: short(type), address: address && short(address) },
    ...{ subject: subject && short(subject), details: cutDetails(details, short) },
  }
}

/** A detail as text; what is not there is left out. */
export function detailTexts(details: Readonly<Record<string, unknown>>): [string, string][] {
  const all = Object.entries(details).filter(([, value]) => value !== null && value !== undefined)
  const shownFields = all.slice(0, mostFields).map(([key, value]): [string, string] => [key, textOf(value)])
  return all.length > mostFields
    ? [...shownFields, ['fields_left_out', String(all.length - mostFields)]]
    : shownFields
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? value.join(',')
    : JSON.stringify(value)
}

/** Details as JSON, with long texts cut wherever they stand; what is deeper than a list becomes text. */
export function cutDetails(
  details: Readonly<Record<string, unknown>>,
  cutText: Cut,
): Record<string, unknown> {
  const all = Object.entries(details)
  const kept = all.slice(0, mostFields).map(([key, value]) => [keyText(key), cutValue(value, cutText)])
  if (all.length > mostFields) kept.push(['fields_left_out', all.length - mostFields])
  return Object.fromEntries(kept)
}

function cutValue(value: unknown, cutText: Cut): unknown {
  if (typeof value === 'string') return cutText(value)
  if (typeof value !== 'object' || value === null) return value ?? null
  const text = JSON.stringify(value)
  return text.length <= 256 ? JSON.parse(text) : cutText(text)
}

/** Keys are the product's own words; this is for the day on which one is not. */
export function keyText(key: string): string {
  return key.slice(0, longestKey).replaceAll(/[^A-Za-z0-9_.-]/g, '_')
}
