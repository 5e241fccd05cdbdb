import {
  networkOf,
  type ThreatEvent,
  type ThreatFilter,
  type ThreatPort,
  type ThreatReport,
  type ThreatSeverity,
  type ThreatSummary,
} from '@sallyport/core'
import type { Sql, SqlRow, SqlValue } from '../sql.ts'
import { countedUpTo, countUp } from './counters.ts'

const hour = 3_600_000
const rowsPerInsert = 50
const columns = 'id, at, type, severity, address, network, subject, application, details'
const eventColumns = 'id, at, type, severity, address, subject, application, details'
const mostCounted = 1_000
/** An address among the most frequent of all the hours is, as good as always, among so many of one of them. */
const topOfHour = 50
const topOfAll = 10
const hoursAtOnce = 24

export function threatPort(sql: Sql): ThreatPort {
  const select = `SELECT ${eventColumns} FROM threat_events`
  return {
    async append(reports) {
      if (reports.length === 0) return
      const last = await countUp(sql, 'threat_events', reports.length)
      await insertEvents(sql, reports, last - reports.length + 1)
      await addCounts(
        sql,
        'threat_hours',
        'type',
        tally(reports, ({ type }) => type),
      )
      await addCounts(sql, 'threat_networks', 'network', tally(reports, networkOfReport))
    },

    async latest(before, limit, filter = {}) {
      const wanted = conditions(filter)
      const where = ['id < ?', ...wanted.map(([text]) => text)].join(' AND ')
      const values = [before ?? Number.MAX_SAFE_INTEGER, ...wanted.map(([, value]) => value), limit]
      const rows = await sql.all(`${select} WHERE ${where} ORDER BY id DESC LIMIT ?`, values)
      return rows.map(toEvent)
    },

    async after(after, limit) {
      const rows = await sql.all(`${select} WHERE id > ? ORDER BY id LIMIT ?`, [after, limit])
      return rows.map(toEvent)
    },

    last: () => countedUpTo(sql, 'threat_events'),

    summary: (range) => summarise(sql, range),

    async countAt(network, since) {
      const rows = await sql.all(
        `SELECT type, count(*) AS count FROM
         (SELECT type, at FROM threat_events WHERE network = ? ORDER BY id DESC LIMIT ${mostCounted}) AS latest
         WHERE at >= ? GROUP BY type`,
        [network, since],
      )
      return Object.fromEntries(rows.map((row) => [row.type as string, row.count as number]))
    },

    async prune(before, limit) {
      const removed = await sql.run(
        'DELETE FROM threat_events WHERE id IN (SELECT id FROM threat_events WHERE at < ? ORDER BY at LIMIT ?)',
        [before, limit],
      )
      await sql.run('DELETE FROM threat_hours WHERE hour < ?', [before - hour])
      await sql.run(
        `DELETE FROM threat_networks WHERE (hour, network) IN
         (SELECT hour, network FROM threat_networks WHERE hour < ? ORDER BY hour LIMIT ?)`,
        [before - hour, limit],
      )
      return removed
    },
  }
}

async function insertEvents(sql: Sql, reports: readonly ThreatReport[], first: number): Promise<void> {
  for (let start = 0; start < reports.length; start += rowsPerInsert) {
    const rows = reports.slice(start, start + rowsPerInsert)
    const places = rows.map(() => '(?, ?, ?, ?, ?, ?, ?, ?, ?)').join(', ')
    await sql.run(
      `INSERT INTO threat_events (${columns}) VALUES ${places}`,
      rows.flatMap((row, index): SqlValue[] => [
        first + start + index,
        ...[row.at, row.type, row.severity, row.address, networkOfReport(row), row.subject, row.application],
        JSON.stringify(row.details),
      ]),
    )
  }
}

interface Tally {
  hour: number
  name: string
  count: number
}

/** How often each name came up in each hour, in one order: nodes that count the same never wait in a circle. */
function tally(reports: readonly ThreatReport[], nameOf: (report: ThreatReport) => string | null): Tally[] {
  const counts = new Map<string, Tally>()
  for (const report of reports) {
    const name = nameOf(report)
    if (name === null) continue
    const at = Math.floor(report.at / hour) * hour
    const known = counts.get(`${at} ${name}`)
    if (known) known.count++
    else counts.set(`${at} ${name}`, { hour: at, name, count: 1 })
  }
  return [...counts.values()]
}

async function addCounts(
  sql: Sql,
  table: 'threat_hours' | 'threat_networks',
  column: 'type' | 'network',
  counts: readonly Tally[],
): Promise<void> {
  for (const { hour: at, name, count } of counts) {
    await sql.run(
      `INSERT INTO ${table} (hour, ${column}, count) VALUES (?, ?, ?)
       ON CONFLICT (hour, ${column}) DO UPDATE SET count = ${table}.count + excluded.count`,
      [at, name, count],
    )
  }
}

async function summarise(sql: Sql, { from, to }: { from: number; to: number }): Promise<ThreatSummary> {
  const rows = await sql.all(
    'SELECT hour, type, count FROM threat_hours WHERE hour >= ? AND hour <= ? ORDER BY hour',
    [from, to],
  )
  const hours = new Map<number, ThreatSummary['hours'][number]>()
  const byType: Record<string, number> = {}
  let total = 0
  for (const row of rows) {
    const [at, type, count] = [row.hour as number, row.type as string, row.count as number]
    const inHour = hours.get(at) ?? { at, total: 0, byType: {} }
    hours.set(at, inHour)
    inHour.total += count
    inHour.byType[type] = count
    byType[type] = (byType[type] ?? 0) + count
    total += count
  }
  return { total, byType, hours: [...hours.values()], addresses: await topAddresses(sql, [...hours.keys()]) }
}

/** The most frequent of each hour, summed: an index answers it, however many addresses there were. */
async function topAddresses(sql: Sql, hours: readonly number[]): Promise<ThreatSummary['addresses']> {
  const one = `SELECT * FROM (SELECT network, count FROM threat_networks WHERE hour = ?
    ORDER BY count DESC, network DESC LIMIT ${topOfHour}) AS top`
  const text = Array.from({ length: hoursAtOnce }, () => one).join(' UNION ALL ')
  const sums = new Map<string, number>()
  for (let start = 0; start < hours.length; start += hoursAtOnce) {
    const asked = Array.from({ length: hoursAtOnce }, (_, index) => hours[start + index] ?? -1)
    for (const row of await sql.all(text, asked)) {
      const network = row.network as string
      sums.set(network, (sums.get(network) ?? 0) + (row.count as number))
    }
  }
  return [...sums]
    .map(([address, count]) => ({ address, count }))
    .sort((a, b) => b.count - a.count || (a.address < b.address ? -1 : 1))
    .slice(0, topOfAll)
}

function conditions(filter: ThreatFilter): [string, SqlValue][] {
  const { type, severity, address, subject, application, since, until } = filter
  const all: [string, SqlValue | undefined][] = [
    ['type = ?', type],
    ['severity = ?', severity],
    ['network = ?', address === undefined ? undefined : networkOf(address)],
    ['subject = ?', subject],
    ['application = ?', application],
    ['at >= ?', since],
    ['at <= ?', until],
  ]
  return all.filter((condition): condition is [string, SqlValue] => condition[1] !== undefined)
}

/** What events of one host share; a range stands for itself. */
function networkOfReport({ address }: ThreatReport): string | null {
  return address === null ? null : networkOf(address)
}

function toEvent(row: SqlRow): ThreatEvent {
  return {
    id: row.id as number,
    at: row.at as number,
    type: row.type as string,
    severity: row.severity as ThreatSeverity,
    address: row.address as string | null,
    subject: row.subject as string | null,
    application: row.application as string | null,
    details: JSON.parse(row.details as string),
  }
}
