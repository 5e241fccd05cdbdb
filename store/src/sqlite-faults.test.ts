import { chmod, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { killStreamingNode, raceNodes } from './contract/nodes.ts'
import { migrations } from './migrations.ts'
import { createSqliteStore, type SqliteOptions } from './sqlite.ts'

const clock = { now: () => 1_700_000_000_000 }
let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-sqlite-'))
  path = join(directory, 'data', 'sallyport.db')
})
afterEach(() => rm(directory, { recursive: true }))

const openStore = (more: Partial<SqliteOptions> = {}) => createSqliteStore({ path, clock, ...more })

async function filled(): Promise<void> {
  const store = await openStore()
  for (let index = 0; index < 20; index++) {
    await store.transaction(({ settings }) => settings.put(`setting-${index}`, 'x'.repeat(3000)))
  }
  await store.close()
}

/** Another program's hand on the file. */
function byHand<T>(action: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path)
  try {
    return action(db)
  } finally {
    db.close()
  }
}

describe('the files', () => {
  it('are for their owner alone, also when an older file was not', async () => {
    const store = await openStore()
    const mode = async (file: string) => (await stat(file)).mode & 0o777
    expect(await mode(join(directory, 'data'))).toBe(0o700)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(await mode(file)).toBe(0o600)
    await store.close()
    await chmod(path, 0o644)
    await (await openStore()).close()
    expect(await mode(path)).toBe(0o600)
  })

  it('are written through to the disk at each commit', async () => {
    const settings = ['journal_mode', 'synchronous', 'foreign_keys']
    const probe = settings.map((name) => `INSERT INTO settings SELECT '${name}', ${name} FROM pragma_${name}`)
    const store = await openStore({ migrations: [...migrations, { version: 99, statements: () => probe }] })
    const values = await store.read((tx) => Promise.all(settings.map((name) => tx.settings.find(name))))
    const full = '2'
    expect(values).toEqual(['wal', full, '1'])
    await store.close()
  })

  it('lose nothing that was answered when the process is killed', async () => {
    const told = await killStreamingNode(path, 200)
    expect(told).toBeGreaterThanOrEqual(200)
    const store = await openStore()
    const spent = await store.read(({ once }) => once.countSpent('stream:'))
    expect([told, told + 1]).toContain(spent)
    await store.close()
  })

  it('may be shared by processes that start, migrate and spend at the same moment', async () => {
    const won = await raceNodes(path, 5)
    expect(won.reduce((sum, part) => sum + part, 0)).toBe(64)
    byHand((db) =>
      expect(db.prepare('SELECT count(*) AS n FROM schema_migrations').get()?.n).toBe(migrations.length),
    )
  })

  it('wait for another process’s lock without holding up this one, and give up in the end', async () => {
    const store = await openStore({ busyTimeout: 300 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const patient = store.transaction(({ once }) => once.spend('patient'))
    let turns = 0
    const ticking = setInterval(() => turns++, 5)
    await new Promise((resolve) => setTimeout(resolve, 100))
    other.exec('ROLLBACK')
    expect(await patient).toBe(true)
    expect(turns).toBeGreaterThan(5)
    clearInterval(ticking)
    other.exec('BEGIN IMMEDIATE')
    const refused = store.transaction(({ once }) => once.spend('impatient'))
    await expect(refused).rejects.toMatchObject({ code: 'store_unavailable', cause: expect.any(Error) })
    other.exec('ROLLBACK')
    expect(await store.transaction(({ once }) => once.spend('impatient'))).toBe(true)
    other.close()
    await store.close()
  })
})

describe('a database that cannot be used', () => {
  it('is refused when a newer program made it, naming both versions', async () => {
    await filled()
    byHand((db) => db.exec('INSERT INTO schema_migrations VALUES (99, 0)'))
    const opening = openStore()
    await expect(opening).rejects.toMatchObject({ code: 'store_schema_newer' })
    await expect(opening).rejects.toThrow(new RegExp(`99.*${migrations.length}`))
  })

  const damages: [string, () => Promise<unknown>][] = [
    ['is no database', () => writeFile(path, 'Dear diary, '.repeat(1000))],
    ['is a few bytes', () => writeFile(path, 'x')],
    ['lost its second half', async () => truncate(path, (await stat(path)).size / 2)],
    ['has other bytes in its header', () => overwrite(0, 100)],
    ['has other bytes in its schema', () => overwrite(100, 200)],
    [
      'belongs to another program',
      async () => {
        await rm(path)
        byHand((db) => db.exec('CREATE TABLE theirs (a)'))
      },
    ],
  ]
  it.each(damages)('is refused, and left as it is, when it %s', async (_, damage) => {
    await filled()
    await damage()
    const before = await readFile(path)
    const opening = openStore()
    await expect(opening).rejects.toMatchObject({ code: 'store_damaged' })
    await expect(opening).rejects.toThrow(path)
    expect((await readFile(path)).equals(before)).toBe(true)
  })

  it('is refused when it is empty beside a log that is not', async () => {
    await filled()
    await truncate(path, 0)
    await writeFile(`${path}-wal`, 'something')
    await expect(openStore()).rejects.toMatchObject({ code: 'store_damaged' })
    expect(await readFile(`${path}-wal`, 'utf8')).toBe('something')
  })

  it('says so when the damage is found later, in a page', async () => {
    await filled()
    const size = (await stat(path)).size
    await overwrite(4096, size - 4096)
    const reading = openStore().then((store) =>
      store.read(({ settings }) => settings.find('setting-1')).finally(() => store.close()),
    )
    await expect(reading).rejects.toMatchObject({ code: 'store_damaged' })
  })

  it('says so when its place cannot be written', async () => {
    await writeFile(join(directory, 'data'), 'a file where the directory should be')
    await expect(openStore()).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  async function overwrite(from: number, length: number): Promise<void> {
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(length, 0xa5), 0, length, from)
    await file.close()
  }
})

describe('migrations', () => {
  const next = (statement: string) => [
    ...migrations,
    { version: migrations.length + 1, statements: () => [statement] },
  ]

  it('leave nothing half-done when one fails, and go on at the next start', async () => {
    await filled()
    const broken = [
      ...next('CREATE TABLE halfway (a INTEGER) STRICT'),
      { version: 99, statements: () => ['nonsense'] },
    ]
    await expect(openStore({ migrations: broken })).rejects.toMatchObject({ code: 'store_unavailable' })
    byHand((db) => {
      expect(db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'halfway'`).get()).toBeUndefined()
      expect(db.prepare('SELECT max(version) AS v FROM schema_migrations').get()?.v).toBe(migrations.length)
    })
    await (await openStore({ migrations: broken.slice(0, -1) })).close()
    byHand((db) =>
      expect(db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'halfway'`).get()).toBeDefined(),
    )
  })

  it('keep what was stored', async () => {
    await filled()
    const store = await openStore({ migrations: next('ALTER TABLE settings ADD COLUMN more TEXT') })
    expect(await store.read(({ settings }) => settings.find('setting-19'))).toHaveLength(3000)
    await store.close()
  })
})

describe('a full disk', () => {
  it('fails the transactions that do not fit, whole, and lets later ones in when there is room', async () => {
    await filled()
    const pages = byHand((db) => Number(db.prepare('PRAGMA page_count').get()?.page_count))
    const limited = {
      version: migrations.length + 1,
      statements: () => [`PRAGMA max_page_count = ${pages + 10}`],
    }
    const store = await openStore({ migrations: [...migrations, limited] })
    const large = (name: string) =>
      store.transaction(async ({ settings, once }) => {
        await once.spend(name)
        await settings.put(name, 'x'.repeat(100_000))
      })
    const outcomes = await Promise.allSettled([large('a'), large('b'), large('c')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'store_unavailable', cause: expect.any(Error) },
      })
    }
    expect(
      await store.read(({ once }) => Promise.all(['a', 'b'].map((key) => once.countSpent(key)))),
    ).toEqual([0, 0])
    for (let index = 0; index < 15; index++) {
      await store.transaction(({ settings }) => settings.put(`setting-${index}`, ''))
    }
    await store.transaction(({ settings }) => settings.put('later', 'x'.repeat(20_000)))
    expect(await store.read(({ settings }) => settings.find('later'))).toHaveLength(20_000)
    await store.close()
  })
})
