import { hash } from 'node:crypto'
import { SallyportError } from '../errors.ts'
import type { LedgerEntry, LedgerRecord, LedgerValue } from './entry.ts'

/** Longer strings are cut, and say so: what a client typed must not decide how large an entry gets. */
const MAX_STRING = 1024
const MAX_KEY = 128
/** Characters of a whole entry. Only a caller's own mistake (a huge array) gets there. */
const MAX_BODY = 65_536

const HASH = /^[0-9a-f]{64}$/
const LEDGER_ID = /^[A-Za-z0-9._:-]{1,128}$/

/** What an entry's body says: the record, and its place in one ledger's chain. */
export interface LedgerBody {
  ledger: string
  seq: number
  prev: string
  at: number
  type: string
  subject: string | null
  actor: string | null
  gate: string | null
  data: Readonly<Record<string, LedgerValue>>
}

/** Where a record stands: after the entry whose hash is `prev`. */
export type LedgerPlace = Pick<LedgerBody, 'ledger' | 'seq' | 'prev'>

export function isLedgerHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value)
}

export function isLedgerId(value: unknown): value is string {
  return typeof value === 'string' && LEDGER_ID.test(value)
}

export function hashBody(body: string): string {
  return hash('sha256', body, 'hex')
}

/** What the first entry names as the hash before it; another ledger's first entry does not fit. */
export function genesisHash(ledger: string): string {
  return hash('sha256', `sallyport/ledger-genesis/v1\n${ledger}`, 'hex')
}

/**
 * The one text of a record at a place: fixed key order, sorted data keys, no spaces. Parsing it and
 * encoding it again gives the same bytes, here and in any other JSON implementation, because it holds
 * only well-formed strings, safe integers, booleans, null, and arrays of strings.
 */
export function encodeBody(place: LedgerPlace, record: LedgerRecord): string {
  if (!isLedgerId(place.ledger)) throw invalid('the ledger id has an unfit form')
  if (!isLedgerHash(place.prev)) throw invalid('prev is not a hash')
  if (record.type === '') throw invalid('type is empty')
  const body =
    `{"ledger":${JSON.stringify(place.ledger)},"seq":${integer(place.seq, 'seq')},"prev":"${place.prev}"` +
    `,"at":${integer(record.at, 'at')},"type":${text(record.type, 'type')}` +
    `,"subject":${textOrNull(record.subject, 'subject')},"actor":${textOrNull(record.actor, 'actor')}` +
    `,"gate":${textOrNull(record.gate, 'gate')},"data":${encodeData(record.data ?? {})}}`
  if (body.length > MAX_BODY) throw invalid(`the entry is longer than ${MAX_BODY} characters`)
  return body
}

/** The body behind a canonical text; `null` for any other text, whatever it may mean. */
export function parseBody(text: string): LedgerBody | null {
  try {
    const body: LedgerBody = JSON.parse(text)
    return encodeBody(body, body) === text ? body : null
  } catch {
    return null
  }
}

/** An entry as a person or a search sees it. Throws `ledger_damaged` when it is not what was hashed. */
export function readEntry(entry: LedgerEntry): LedgerBody & { hash: string } {
  const body = hashBody(entry.body) === entry.hash ? parseBody(entry.body) : null
  if (body === null || body.seq !== entry.seq) {
    throw new SallyportError('ledger_damaged', `ledger entry ${entry.seq} is not what was recorded`)
  }
  return { ...body, hash: entry.hash }
}

function encodeData(data: unknown): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw invalid('data is not an object')
  const fields = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, value]) => `${encodeKey(key)}:${encodeValue(key, value)}`).join(',')}}`
}

/** Keys are the caller's own words. Cutting or mending them could make two into one, so they are refused. */
function encodeKey(key: string): string {
  if (key.length > MAX_KEY || !key.isWellFormed()) throw invalid('a data key is too long or ill-formed')
  return JSON.stringify(key)
}

function encodeValue(key: string, value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return integer(value, `data.${key}`)
  if (!Array.isArray(value)) return text(value, `data.${key}`)
  return `[${Array.from(value, (item) => text(item, `data.${key}`)).join(',')}]`
}

function integer(value: unknown, path: string): string {
  if (!Number.isSafeInteger(value)) throw invalid(`${path} is not a safe integer`)
  return JSON.stringify(value)
}

function textOrNull(value: unknown, path: string): string {
  return value === null || value === undefined ? 'null' : text(value, path)
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalid(`${path} is not of a kind the ledger records`)
  return JSON.stringify(shorten(value).toWellFormed())
}

function shorten(value: string): string {
  if (value.length <= MAX_STRING) return value
  const note = `… [${value.length} characters]`
  return value.slice(0, MAX_STRING - note.length) + note
}

function invalid(message: string): SallyportError {
  return new SallyportError('invalid_input', `ledger record: ${message}`)
}
