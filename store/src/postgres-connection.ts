import { hash } from 'node:crypto'
import { SallyportError } from '@sallyport/core'
import pg from 'pg'
import type { Sql, SqlRow, SqlValue } from './sql.ts'

const int8 = 20
const bytea = 17

/** Times, steps and sequence numbers stay far below 2^53; bytes come as SQLite gives them. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === int8) return Number
    const parse = pg.types.getTypeParser(oid, format)
    return oid === bytea ? (text: string) => new Uint8Array(parse(text)) : parse
  },
}

export interface PoolOptions {
  url: string
  connectTimeout: number
  maxConnections: number
}

export function createPool({ url, connectTimeout, maxConnections }: PoolOptions): pg.Pool {
  // Without the text: an error about a URL would carry the password in it.
  if (!URL.canParse(url)) throw new SallyportError('config_invalid', 'the database URL is not a URL')
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: connectTimeout,
    max: maxConnections,
    keepAlive: true,
    types,
  })
  // A connection that is lost says so twice: to its query, which fails, and here, where nobody needs to know.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** One pooled connection for the length of a transaction. */
export interface PostgresSession extends Sql {
  /** One or several statements without values; answers the last one's command tag. */
  control(text: string): Promise<string | undefined>
  /** False when the connection is lost, or hangs in a statement. */
  usable(): boolean
}

export interface SessionOptions {
  /** How long to wait for the answer to one statement; none for migrations. */
  answerTimeout?: number
  readOnly: boolean
}

export function openSession(
  client: pg.PoolClient,
  { answerTimeout, readOnly }: SessionOptions,
): PostgresSession {
  let broken = false
  const query = async (config: pg.QueryConfig): Promise<pg.QueryResult> => {
    try {
      const timed = answerTimeout === undefined ? config : { ...config, query_timeout: answerTimeout }
      return await client.query(timed)
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.severity === 'FATAL') broken = true
      throw explain(error, readOnly)
    }
  }
  return {
    forUpdate: ' FOR UPDATE',
    all: async (text, values = []) => (await query(prepared(text, values))).rows as SqlRow[],
    run: async (text, values = []) => (await query(prepared(text, values))).rowCount ?? 0,
    control: async (text) => (await query({ text })).command,
    usable: () => !broken,
  }
}

const statements = new Map<string, { name: string; text: string }>()

/**
 * Each text is prepared once a connection. Its name is made from the text, so that processes which
 * share connections through a pooler never mean different statements by one name.
 */
function prepared(text: string, values: readonly SqlValue[]): pg.QueryConfig {
  if (values.length === 0) return { text }
  let statement = statements.get(text)
  if (!statement) {
    let position = 0
    const numbered = text.replace(/\?/g, () => `$${++position}`)
    statement = { name: hash('sha256', numbered).slice(0, 32), text: numbered }
    statements.set(text, statement)
  }
  return { ...statement, values: [...values] }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function sqlState(error: unknown): string | null {
  const cause = error instanceof SallyportError ? error.cause : error
  return cause instanceof pg.DatabaseError ? (cause.code ?? null) : null
}

export function explain(error: unknown, readOnly: boolean): unknown {
  const state = sqlState(error) ?? ''
  const { message } = error as Error
  const options = { cause: error }
  if (readOnly && state === '25006') return new TypeError('a write inside read()', options)
  if (state.startsWith('22'))
    return new SallyportError('invalid_input', `the database cannot hold a value: ${message}`, options)
  if (state.startsWith('23'))
    return new SallyportError('store_conflict', `the database refused a write: ${message}`, options)
  if (state.startsWith('XX00') && state !== 'XX000') {
    const advice = 'stop it, keep a copy, and put back the last backup'
    return new SallyportError('store_damaged', `the database is damaged (${message}): ${advice}`, options)
  }
  return new SallyportError('store_unavailable', `the database cannot do its work: ${message}`, options)
}
