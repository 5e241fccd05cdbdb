import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Row } from '../harness.ts'
import { openOnSqlite } from '../product.fixture.ts'
import { byCallers, claimsPerCommit, wholePath } from './stored.ts'

/** Against the least that durability costs: one insert, one commit, one fsync, on the same disk. */
export function storedSqliteRow(): Row {
  return {
    name: 'stored-sqlite',
    title: 'second-factor verification, stored, on SQLite',
    async prepare() {
      const product = await openOnSqlite()
      const bare = openBare(join(product.beside, 'bare.db'))
      const contenders = [
        ...(await wholePath(product)),
        ...byCallers('bare commit', async () => void bare.insert.run('x'.repeat(100))),
      ]
      const close = async () => {
        bare.db.close()
        await product.close()
      }
      return { contenders, claims: claimsPerCommit('bare commit'), close }
    },
  }
}

/** With the pragmas of ours. */
function openBare(path: string) {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT')
  return { db, insert: db.prepare('INSERT INTO bare (body) VALUES (?)') }
}
