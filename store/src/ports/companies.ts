import type { Company, CompanyPort } from '@sallyport/core'
import { selectPage } from '../page.ts'
import { changed, type Sql, type SqlRow } from '../sql.ts'

export function companyPort(sql: Sql): CompanyPort {
  return {
    insert: ({ name, createdAt }) =>
      changed(sql, 'INSERT INTO companies (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING', [
        name,
        createdAt,
      ]),

    list: (page) =>
      selectPage(sql, page, {
        select: 'SELECT name, created_at FROM companies',
        order: ['name'],
        map: toCompany,
      }),

    remove: (name) => changed(sql, 'DELETE FROM companies WHERE name = ?', [name]),
  }
}

function toCompany(row: SqlRow): Company {
  return { name: row.name as string, createdAt: row.created_at as number }
}
