import type { ApiKey, ApiKeyPort, Application, ApplicationPort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, one, type Sql, type SqlRow, updateNamed } from '../sql.ts'

const applicationColumns = 'name, issuer, rp_id, origins, created_at'
const keyColumns = 'id, application, name, hash, scopes, created_at, revoked_at, last_used_at'

const updatable = {
  table: 'applications',
  key: 'name',
  columns: { issuer: 'issuer', rpId: 'rp_id', origins: 'origins' },
}

export function applicationPort(sql: Sql): ApplicationPort {
  const select = `SELECT ${applicationColumns} FROM applications`
  return {
    insert: ({ name, issuer, rpId, origins, createdAt }) =>
      changed(
        sql,
        `INSERT INTO applications (${applicationColumns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [name, issuer, rpId, JSON.stringify(origins), createdAt],
      ),

    async find(name) {
      const row = await one(sql, `${select} WHERE name = ?`, [name])
      return row && toApplication(row)
    },

    update: (name, { issuer, rpId, origins }) =>
      updateNamed(sql, updatable, [name, { issuer, rpId, origins: origins && JSON.stringify(origins) }]),

    list: (page) => selectPage(sql, page, { select, order: ['name'], map: toApplication }),
  }
}

export function apiKeyPort(sql: Sql): ApiKeyPort {
  const select = `SELECT ${keyColumns} FROM api_keys`
  return {
    async insert({ id, application, name, hash, scopes, createdAt, revokedAt, lastUsedAt }) {
      await sql.run(`INSERT INTO api_keys (${keyColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
        id,
        application,
        name,
        hash,
        JSON.stringify(scopes),
        createdAt,
        revokedAt,
        lastUsedAt,
      ])
    },

    async findByHash(hash) {
      const row = await one(sql, `${select} WHERE hash = ?`, [hash])
      return row && toApiKey(row)
    },

    list: (page) => selectPage(sql, page, { select, order: ['created_at', 'id'], map: toApiKey }),

    revoke: (id, at) =>
      changed(sql, 'UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', [at, id]),

    touch: (id, at, since) =>
      changed(
        sql,
        'UPDATE api_keys SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)',
        [at, id, since],
      ),
  }
}

function toApplication(row: SqlRow): Application {
  return {
    name: row.name as string,
    issuer: row.issuer as string,
    rpId: row.rp_id as string | null,
    origins: JSON.parse(row.origins as string),
    createdAt: row.created_at as number,
  }
}

function toApiKey(row: SqlRow): ApiKey {
  return {
    id: row.id as string,
    application: row.application as string,
    name: row.name as string,
    hash: row.hash as string,
    scopes: JSON.parse(row.scopes as string),
    createdAt: row.created_at as number,
    revokedAt: row.revoked_at as number | null,
    lastUsedAt: row.last_used_at as number | null,
  }
}
