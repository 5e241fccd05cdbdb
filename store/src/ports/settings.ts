import type { SettingPort } from '@sallyport/core'
import { changed, one, type Sql } from '../sql.ts'

export function settingPort(sql: Sql): SettingPort {
  return {
    async find(name) {
      const row = await one(sql, 'SELECT value FROM settings WHERE name = ?', [name])
      return row && (row.value as string)
    },

    insert: (name, value) =>
      changed(sql, 'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING', [name, value]),

    async put(name, value) {
      await sql.run(
        'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        [name, value],
      )
    },
  }
}
