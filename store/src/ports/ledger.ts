import { hash as digest } from 'node:crypto'
import type {
  LedgerCheckpoint,
  LedgerEntry,
  LedgerFilter,
  LedgerLinker,
  LedgerPort,
  LedgerRecord,
} from '@sallyport/core'
import { changed, count, one, type Sql, type SqlRow, type SqlValue } from '../sql.ts'

const checkpointColumns = 'ledger, seq, hash, at, signature'
const rowsPerInsert = 16
const rowsPerDelete = 10_000

/** `appended` collects the records of this transaction until `writeLedger` links them. */
export function ledgerPort(sql: Sql, appended: LedgerRecord[]): LedgerPort {
  const head = () => readHead(sql, '')
  return {
    append: (record) => void appended.push(record),
    head,

    entries: (afterSeq, limit, filter) =>
      select(sql, { bound: 'seq > ?', value: afterSeq, order: 'seq', limit, filter }),

    latest: (beforeSeq, limit, filter) =>
      select(sql, {
        bound: 'seq < ?',
        value: beforeSeq ?? Number.MAX_SAFE_INTEGER,
        order: 'seq DESC',
        limit,
        filter,
      }),

    async countFrom(type, times) {
      const counts: number[] = []
      // Times lead to places in the chain, and an index alone counts what lies between two of them.
      const bounds: number[] = []
      for (const at of times) {
        const text = 'SELECT seq FROM ledger WHERE at >= ? ORDER BY at, seq LIMIT 1'
        bounds.push(((await one(sql, text, [at]))?.seq as number | undefined) ?? Number.MAX_SAFE_INTEGER)
      }
      for (const [index, from] of bounds.entries()) {
        const text = 'SELECT count(*) AS count FROM ledger WHERE type = ? AND seq >= ? AND seq < ?'
        const to = bounds[index + 1] ?? Number.MAX_SAFE_INTEGER
        counts.push(from < to ? await count(sql, text, [searchKey(type), from, to]) : 0)
      }
      return counts
    },

    async checkpoints(afterSeq, limit) {
      const text = `SELECT ${checkpointColumns} FROM ledger_checkpoints WHERE seq > ? ORDER BY seq LIMIT ?`
      return (await sql.all(text, [afterSeq, limit])).map(toCheckpoint)
    },

    async keepCheckpoint() {
      const present = await head()
      if (!present) return null
      const kept = await changed(
        sql,
        `INSERT INTO ledger_checkpoints (${checkpointColumns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        checkpointValues(present),
      )
      return kept ? present : null
    },

    async pruneThrough(seq) {
      // What is not there may have been pruned, with what was after it, by another node a moment ago.
      if (!(await one(sql, 'SELECT seq FROM ledger_checkpoints WHERE seq = ?', [seq]))) return 0
      await sql.run('DELETE FROM ledger_checkpoints WHERE seq < ?', [seq])
      // In stretches: one statement over millions of rows would run into the time limit of a statement.
      const first = await one(sql, 'SELECT min(seq) AS seq FROM ledger', [])
      let removed = 0
      for (let from = (first?.seq as number | null) ?? seq + 1; from <= seq; from += rowsPerDelete) {
        const through = Math.min(seq, from + rowsPerDelete - 1)
        removed += await sql.run('DELETE FROM ledger WHERE seq >= ? AND seq <= ?', [from, through])
      }
      return removed
    },
  }
}

/**
 * The last thing a transaction does: chains and signs what was appended. The head's row is locked only
 * now, so that commits of other nodes wait for this transaction's end and not for its length.
 */
export async function writeLedger(
  sql: Sql,
  linker: LedgerLinker,
  records: readonly LedgerRecord[],
): Promise<void> {
  const { entries, head } = linker.link(await readHead(sql, sql.forUpdate), records)
  for (let start = 0; start < entries.length; start += rowsPerInsert) {
    const rows = entries.slice(start, start + rowsPerInsert)
    await sql.run(
      `INSERT INTO ledger (seq, hash, body, at, type, subject) VALUES ${rows.map(() => '(?, ?, ?, ?, ?, ?)').join(', ')}`,
      rows.flatMap(({ seq, hash, body }) => {
        const { at, type, subject }: Indexed = JSON.parse(body)
        return [seq, hash, body, at, searchKey(type), subject == null ? null : searchKey(subject)]
      }),
    )
  }
  await sql.run(
    'UPDATE ledger_head SET ledger = ?, seq = ?, hash = ?, at = ?, signature = ? WHERE id = 1',
    checkpointValues(head),
  )
}

/** What of an entry can be searched for, as its body says it: the body is what was signed. */
type Indexed = Pick<LedgerRecord, 'at' | 'type' | 'subject'>

/**
 * PostgreSQL takes neither NUL in a text nor more than some 2,700 bytes in an index, and nobody's odd
 * subject may keep a decision from being recorded: what may not fit stands there as its hash.
 */
function searchKey(text: string): string {
  return text.length <= 256 && !text.includes('\0') ? text : `sha256:${digest('sha256', text)}`
}

async function readHead(sql: Sql, lock: Sql['forUpdate']): Promise<LedgerCheckpoint | null> {
  // The row is there from the first migration on, with nothing in it: so it can always be locked.
  const row = await one(sql, `SELECT ${checkpointColumns} FROM ledger_head WHERE id = 1${lock}`, [])
  return row && row.seq !== null ? toCheckpoint(row) : null
}

interface EntrySelect {
  bound: string
  value: number
  order: string
  limit: number
  filter: LedgerFilter | undefined
}

async function select(sql: Sql, { bound, value, order, limit, filter }: EntrySelect): Promise<LedgerEntry[]> {
  const conditions: [string, SqlValue | undefined][] = [
    [bound, value],
    ['type = ?', filter?.type && searchKey(filter.type)],
    ['subject = ?', filter?.subject && searchKey(filter.subject)],
    ['at >= ?', filter?.since],
    ['at <= ?', filter?.until],
  ]
  const wanted = conditions.filter((condition): condition is [string, SqlValue] => condition[1] !== undefined)
  const where = wanted.map(([text]) => text).join(' AND ')
  const rows = await sql.all(`SELECT seq, hash, body FROM ledger WHERE ${where} ORDER BY ${order} LIMIT ?`, [
    ...wanted.map(([, wantedValue]) => wantedValue),
    limit,
  ])
  return rows.map((row) => ({
    seq: row.seq as number,
    hash: row.hash as string,
    body: row.body as string,
  }))
}

function checkpointValues({ ledger, seq, hash, at, signature }: LedgerCheckpoint): SqlValue[] {
  return [ledger, seq, hash, at, signature]
}

function toCheckpoint(row: SqlRow): LedgerCheckpoint {
  return {
    ledger: row.ledger as string,
    seq: row.seq as number,
    hash: row.hash as string,
    at: row.at as number,
    signature: row.signature as string,
  }
}
