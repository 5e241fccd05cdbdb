import type {
  SealedSecret,
  ValidationClient,
  ValidationClientPort,
  Yubikey,
  YubikeyPort,
} from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, one, type Sql, type SqlRow } from '../sql.ts'
import { resealable, sealedValues, toSealed } from './sealed.ts'

const keyColumns = 'public_id, serial, key_id, sealed, imported_at'
const clientColumns = 'id, name, key_id, sealed, created_at'

export function yubikeyPort(sql: Sql): YubikeyPort {
  const select = `SELECT ${keyColumns} FROM yubikeys`
  return {
    ...resealable(sql, { table: 'yubikeys', id: 'public_id', subject: `'yubikey'`, purpose: 'public_id' }),

    insert: ({ publicId, serial, sealed, importedAt }) =>
      changed(sql, `INSERT INTO yubikeys (${keyColumns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, [
        publicId,
        serial,
        ...sealedValues(sealed),
        importedAt,
      ]),

    async find(publicId) {
      const row = await one(sql, `${select} WHERE public_id = ?`, [publicId])
      return row && toYubikey(row)
    },

    list: (page) => selectPage(sql, page, { select, order: ['public_id'], map: toYubikey }),

    remove: (publicId) => changed(sql, 'DELETE FROM yubikeys WHERE public_id = ?', [publicId]),
  }
}

export function validationClientPort(sql: Sql): ValidationClientPort {
  const select = `SELECT ${clientColumns} FROM validation_clients`
  return {
    ...resealable(sql, {
      table: 'validation_clients',
      id: 'id',
      subject: `'validation client'`,
      purpose: 'id',
    }),

    insert: ({ id, name, sealed, createdAt }) =>
      changed(
        sql,
        `INSERT INTO validation_clients (${clientColumns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [id, name, ...sealedValues(sealed), createdAt],
      ),

    async find(id) {
      const row = await one(sql, `${select} WHERE id = ?`, [id])
      return row && toClient(row)
    },

    list: (page) => selectPage(sql, page, { select, order: ['id'], map: toClient }),

    remove: (id) => changed(sql, 'DELETE FROM validation_clients WHERE id = ?', [id]),
  }
}

function toYubikey(row: SqlRow): Yubikey {
  return {
    publicId: row.public_id as string,
    serial: row.serial as string | null,
    sealed: toSealed(row) as SealedSecret,
    importedAt: row.imported_at as number,
  }
}

function toClient(row: SqlRow): ValidationClient {
  return {
    id: row.id as string,
    name: row.name as string,
    sealed: toSealed(row) as SealedSecret,
    createdAt: row.created_at as number,
  }
}
