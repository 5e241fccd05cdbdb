import {
  newShipperState,
  type ShipperState,
  type SiemEvent,
  type SpoolPort,
  type SpoolRow,
} from '@sallyport/core'
import { changed, count, one, type Sql } from '../sql.ts'

/** Escaped, since PostgreSQL takes no NUL in a text. */
const idText = ({ id }: SiemEvent) => JSON.stringify(id)

export function spoolPort(sql: Sql): SpoolPort {
  return {
    async add(lane, event) {
      await sql.run('INSERT INTO siem_spool (lane, event_id, event) VALUES (?, ?, ?)', [
        lane,
        idText(event),
        JSON.stringify(event),
      ])
    },

    async first(lane, limit) {
      const rows = await sql.all('SELECT seq, event FROM siem_spool WHERE lane = ? ORDER BY seq LIMIT ?', [
        lane,
        limit,
      ])
      return rows.map((row): SpoolRow => ({ seq: row.seq as number, event: JSON.parse(row.event as string) }))
    },

    remove: ({ seq, event }) =>
      changed(sql, 'DELETE FROM siem_spool WHERE seq = ? AND event_id = ?', [seq, idText(event)]),

    async replace({ seq }, event) {
      const values = [idText(event), JSON.stringify(event), seq]
      await sql.run('UPDATE siem_spool SET event_id = ?, event = ? WHERE seq = ?', values)
    },

    count: (lane) => count(sql, 'SELECT count(*) AS count FROM siem_spool WHERE lane = ?', [lane]),

    async span(lane) {
      // One at a time: with both in one statement SQLite would walk the whole index.
      const first = await one(sql, 'SELECT min(seq) AS seq FROM siem_spool WHERE lane = ?', [lane])
      const last = await one(sql, 'SELECT max(seq) AS seq FROM siem_spool WHERE lane = ?', [lane])
      return last?.seq == null ? 0 : (last.seq as number) - (first!.seq as number) + 1
    },

    async lock() {
      await sql.all(`SELECT id FROM siem_shipper WHERE id = 1${sql.forUpdate}`, [])
    },

    async addDropped(dropped) {
      await sql.run('UPDATE siem_shipper SET dropped = dropped + ? WHERE id = 1', [dropped])
    },

    async shipper() {
      const row = await one(sql, 'SELECT state, dropped FROM siem_shipper WHERE id = 1', [])
      const state: ShipperState = row?.state ? JSON.parse(row.state as string) : newShipperState
      return { ...state, dropped: (row?.dropped ?? 0) as number }
    },

    claim: (holder, { now, until, absurd }) =>
      changed(
        sql,
        `UPDATE siem_shipper SET holder = ?, held_until = ?
         WHERE id = 1 AND (holder = ? OR held_until <= ? OR held_until > ?)`,
        [holder, until, holder, now, absurd],
      ),

    save: (holder, state) =>
      changed(sql, 'UPDATE siem_shipper SET state = ? WHERE id = 1 AND holder = ?', [
        JSON.stringify(state),
        holder,
      ]),
  }
}
