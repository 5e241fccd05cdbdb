import { type ImportRecord, importColumns, SallyportError } from '@sallyport/core'
import { byteStrings, decodeBytes, longestRow, notUtf8, tooLong } from './bytes.ts'

type Row = { line: number; cells: string[] } | { line: number; fault: string }

/**
 * CSV as RFC 4180 has it: the first row names the columns. A row that is malformed is said to be, and the next
 * one is read. A row's line is the one that it begins on.
 */
export async function* csvRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ImportRecord> {
  let columns: string[] | null = null
  for await (const row of csvRows(chunks)) {
    if (columns === null) {
      columns = columnsOf(row)
      continue
    }
    if ('fault' in row) yield row
    else if (row.cells.length !== columns.length) {
      yield {
        line: row.line,
        fault: `has ${row.cells.length} fields, and the first row has ${columns.length}`,
      }
    } else {
      const { line, cells } = row
      yield { line, fields: Object.fromEntries(columns.map((name, at) => [name, cells[at]])) }
    }
  }
  if (columns === null) throw unusable('line 1: the file is empty; its first row names the columns')
}

/** Says no more of a first row than that it names no columns: it may be a row of secrets. */
function columnsOf(row: Row): string[] {
  const at = `line ${row.line}: `
  if ('fault' in row) throw unusable(`${at}the first row ${row.fault}`)
  const columns = row.cells.map((cell) => cell.trim().toLowerCase())
  if (!columns.includes('email')) {
    const parted = row.cells.length === 1 && /[;\t]/.test(row.cells[0]!)
    const hint = parted ? 'are its fields parted by commas?' : 'it must name the columns'
    throw unusable(`${at}the first row has no column email; ${hint}`)
  }
  columns.forEach((name, index) => {
    if (!(importColumns as readonly string[]).includes(name)) {
      const shown = /^[a-z_ -]{1,24}$/.test(name) ? JSON.stringify(name) : `number ${index + 1}`
      throw unusable(`${at}there is no column ${shown}; there are ${importColumns.join(', ')}`)
    }
    if (columns.indexOf(name) < index) throw unusable(`${at}the column ${name} is named twice`)
  })
  return columns
}

const [lineFeed, carriageReturn, quote, comma] = [10, 13, 34, 44]

/** RFC 4180, section 2. Rows without anything in them are passed over. */
async function* csvRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  const row = createRowState()
  let line = 1
  for await (const text of byteStrings(chunks)) {
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (!row.takes(code)) {
        yield { line: row.begun(), fault: tooLong }
        return
      }
      if (code !== quote && code !== comma && code !== lineFeed && code !== carriageReturn) continue
      row.add(text.slice(from, at))
      from = at + 1
      if (code === lineFeed) line++
      if (!row.ends(code)) continue
      const ended = row.end(line)
      if (ended) yield ended
    }
    row.add(text.slice(from))
  }
  const last = row.end(line)
  if (last) yield last
}

/** The row that is being read: within, before or after a quoted field, or in a bare one. */
function createRowState() {
  let state: 'start' | 'bare' | 'quoted' | 'closed' = 'start'
  let begun = 1
  let size = 0
  let returned = false
  let fault: string | null = null
  let cells: string[] = []
  let cell = ''

  /** Every character comes by here; false when there were too many. */
  function takes(code: number): boolean {
    if (returned && code !== lineFeed) fault ??= 'has a carriage return that ends no line'
    returned = false
    if (code !== quote && code !== comma && code !== lineFeed && code !== carriageReturn) {
      if (state === 'closed') fault ??= 'has something between a closing quote and the comma'
      if (state !== 'quoted') state = 'bare'
    }
    return ++size <= longestRow
  }

  /** What one of the four characters with a meaning means here; true when it ends the row. */
  function ends(code: number): boolean {
    if (state === 'quoted') {
      if (code === quote) state = 'closed'
      else cell += String.fromCharCode(code)
    } else if (code === lineFeed) return true
    else if (code === carriageReturn) returned = true
    else if (code === comma) {
      cells.push(cell)
      cell = ''
      state = 'start'
    } else if (state === 'closed') {
      cell += '"'
      state = 'quoted'
    } else if (state === 'start') state = 'quoted'
    else fault ??= 'has a quote in a field that does not begin with one'
    return false
  }

  /** The row that ends before `next`; `null` for an empty one. */
  function end(next: number): Row | null {
    if (state === 'quoted') fault ??= 'has a quote that is never closed'
    const empty = cells.length === 0 && cell === '' && state === 'start'
    const decoded = [...cells, cell].map(decodeBytes)
    const reason = fault ?? (decoded.includes(null) ? notUtf8 : null)
    const line = begun
    cells = []
    cell = ''
    state = 'start'
    fault = null
    returned = false
    size = 0
    begun = next
    if (reason !== null) return { line, fault: reason }
    return empty ? null : { line, cells: decoded as string[] }
  }

  function add(text: string): void {
    cell += text
  }

  return { takes, add, ends, end, begun: () => begun }
}

function unusable(message: string): SallyportError {
  return new SallyportError('invalid_input', message)
}
