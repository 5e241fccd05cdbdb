import type { Block, BlockKind, BlockPort, Failure, FailurePort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, count, one, type Sql, type SqlRow } from '../sql.ts'
import { countedUpTo, countUp } from './counters.ts'

const columns = `id, range, kind, reason, made_by, blocked_at, blocked_until, unblocked_at, auto_unblocked`

export function blockPort(sql: Sql): BlockPort {
  const select = `SELECT ${columns} FROM blocks`
  // Whoever changes blocks holds the counter's row: changes go one after another, on whichever node.
  const revise = () => countUp(sql, 'blocks', 1)
  return {
    async lock(range) {
      await revise()
      const rows = await sql.all(`${select} WHERE range = ? AND unblocked_at IS NULL`, [range])
      return rows.map(toBlock)
    },

    async insert(block) {
      const { id, range, kind, reason, by, blockedAt, blockedUntil, unblockedAt, autoUnblocked } = block
      const values = [
        id,
        range,
        kind,
        reason,
        by,
        blockedAt,
        blockedUntil,
        unblockedAt,
        Number(autoUnblocked),
      ]
      await sql.run(`INSERT INTO blocks (${columns}, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        ...values,
        await revise(),
      ])
    },

    change: async (id, { reason, by, blockedAt, blockedUntil }) =>
      changed(
        sql,
        `UPDATE blocks SET reason = ?, made_by = ?, blocked_at = ?, blocked_until = ?, revision = ?
         WHERE id = ? AND unblocked_at IS NULL`,
        [reason, by, blockedAt, blockedUntil, await revise(), id],
      ),

    end: async (id, at, auto) =>
      changed(
        sql,
        `UPDATE blocks SET unblocked_at = ?, auto_unblocked = ?, revision = ?
         WHERE id = ? AND unblocked_at IS NULL`,
        [at, Number(auto), await revise(), id],
      ),

    async due(now, future, limit) {
      const rows = await sql.all(
        `${select} WHERE unblocked_at IS NULL AND (blocked_until <= ? OR blocked_at > ?) LIMIT ?`,
        [now, future, limit],
      )
      return rows.map(toBlock)
    },

    revision: () => countedUpTo(sql, 'blocks'),

    async changedAfter(revision, limit, inForce) {
      const rows = await sql.all(
        `SELECT ${columns}, revision FROM blocks
         WHERE revision > ?${inForce ? ' AND unblocked_at IS NULL' : ''} ORDER BY revision LIMIT ?`,
        [revision, limit],
      )
      const last = rows.at(-1)?.revision as number | undefined
      return { blocks: rows.map(toBlock), revision: last ?? revision }
    },

    async covering(ranges, now) {
      const rows = await sql.all(
        `${select} WHERE range IN (${ranges.map(() => '?').join(', ')})
         AND unblocked_at IS NULL AND blocked_until > ? ORDER BY blocked_until DESC`,
        [...ranges, now],
      )
      return rows.map(toBlock)
    },

    list: ({ inForceAt, ...page }) =>
      selectPage(sql, page, {
        select,
        ...(inForceAt !== undefined && {
          where: ['unblocked_at IS NULL', 'blocked_until > ?'],
          values: [inForceAt],
        }),
        order: ['blocked_at', 'id'],
        newestFirst: true,
        map: toBlock,
      }),

    countAutomatic: (range, since) =>
      count(
        sql,
        `SELECT count(*) AS count FROM blocks WHERE range = ? AND blocked_at >= ? AND kind = 'automatic'
         AND (unblocked_at IS NULL OR auto_unblocked = 1)`,
        [range, since],
      ),

    prune: (endedBefore, limit) =>
      sql.run(
        `DELETE FROM blocks WHERE id IN (SELECT id FROM blocks
         WHERE unblocked_at < ? AND blocked_at < ? ORDER BY blocked_at LIMIT ?)`,
        [endedBefore, endedBefore, limit],
      ),
  }
}

export function failurePort(sql: Sql): FailurePort {
  const columns = 'network, at, failures'
  return {
    /** As guesses are locked: one statement makes the row or locks the one that is there. */
    async lock(network) {
      if (!sql.forUpdate) return this.find(network)
      const row = await one(
        sql,
        `INSERT INTO address_failures (${columns}) VALUES (?, 0, '[]')
         ON CONFLICT (network) DO UPDATE SET network = excluded.network RETURNING failures`,
        [network],
      )
      return toFailures(row)
    },

    async find(network) {
      return toFailures(await one(sql, 'SELECT failures FROM address_failures WHERE network = ?', [network]))
    },

    async save(network, failures, at) {
      if (failures.length === 0) {
        await sql.run('DELETE FROM address_failures WHERE network = ?', [network])
        return
      }
      await sql.run(
        `INSERT INTO address_failures (${columns}) VALUES (?, ?, ?)
         ON CONFLICT (network) DO UPDATE SET at = excluded.at, failures = excluded.failures`,
        [network, at, JSON.stringify(failures)],
      )
    },

    async since(since, after, limit) {
      const rows = await sql.all(
        `SELECT ${columns} FROM address_failures WHERE at >= ? AND network > ? ORDER BY network LIMIT ?`,
        [since, after, limit],
      )
      return rows.map((row) => ({
        network: row.network as string,
        count: toFailures(row).length,
        at: row.at as number,
      }))
    },

    prune: (before, limit) =>
      sql.run(
        `DELETE FROM address_failures WHERE network IN
         (SELECT network FROM address_failures WHERE at < ? ORDER BY at LIMIT ?)`,
        [before, limit],
      ),
  }
}

function toBlock(row: SqlRow): Block {
  return {
    id: row.id as string,
    range: row.range as string,
    kind: row.kind as BlockKind,
    reason: row.reason as string,
    by: row.made_by as string,
    blockedAt: row.blocked_at as number,
    blockedUntil: row.blocked_until as number,
    unblockedAt: row.unblocked_at as number | null,
    autoUnblocked: row.auto_unblocked === 1,
  }
}

function toFailures(row: SqlRow | null): Failure[] {
  return row ? JSON.parse(row.failures as string) : []
}
