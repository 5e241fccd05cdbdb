import { type Page, type PageRequest, SallyportError } from '@sallyport/core'
import type { Sql, SqlRow, SqlValue } from './sql.ts'

export interface PagedSelect<T> {
  /** `SELECT … FROM …`, without what follows. */
  select: string
  where?: readonly string[]
  values?: readonly SqlValue[]
  /** The columns the list is sorted by; together they are unique. */
  order: readonly string[]
  newestFirst?: boolean
  map(row: SqlRow): T
}

/** One page by position in the sort order, not by offset: rows that come and go do not shift it. */
export async function selectPage<T>(sql: Sql, request: PageRequest, query: PagedSelect<T>): Promise<Page<T>> {
  const { order, map, newestFirst = false } = query
  const where = [...(query.where ?? [])]
  const values = [...(query.values ?? [])]
  if (request.after != null) {
    where.push(`(${order.join(', ')}) ${newestFirst ? '<' : '>'} (${order.map(() => '?').join(', ')})`)
    values.push(...readCursor(request.after, order.length))
  }
  const filter = where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''
  const text = `${query.select}${filter} ORDER BY ${order.map((column) => `${column}${newestFirst ? ' DESC' : ''}`).join(', ')} LIMIT ?`
  const rows = await sql.all(text, [...values, request.limit + 1])
  const page = rows.slice(0, request.limit)
  const last = page.at(-1)
  const next = rows.length > page.length && last ? writeCursor(order.map((column) => last[column]!)) : null
  return { items: page.map(map), next }
}

function writeCursor(position: readonly SqlValue[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** A cursor comes back from outside: whatever is not one of ours is refused, not passed to the database. */
function readCursor(cursor: string, length: number): SqlValue[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const valid = Array.isArray(position) && position.length === length
    if (valid && position.every((part) => typeof part === 'string' || Number.isSafeInteger(part)))
      return position
  } catch {
    // refused below
  }
  throw new SallyportError('invalid_input', 'the page cursor is not one that this list gave out')
}
