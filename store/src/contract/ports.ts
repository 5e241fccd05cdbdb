import type { ApiKey, Application, Attempt, Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { attempt } from './samples.ts'

export function describePorts({ fresh }: Bench): void {
  let store: Store
  beforeAll(async () => {
    store = await fresh()
  })

  describe('attempts', () => {
    it('keeps an attempt as it was and replaces it by the next revision only', async () => {
      const first = attempt('a-1')
      const next = attempt('a-1', { revision: 2, cursor: 1, status: 'complete' })
      await store.transaction(async ({ attempts }) => {
        await attempts.insert(first)
        expect(await attempts.find('a-1')).toEqual(first)
        expect(await attempts.replace({ ...next, revision: 3 })).toBe(false)
        expect(await attempts.replace(next)).toBe(true)
        expect(await attempts.replace(next)).toBe(false)
        expect(await attempts.replace(attempt('a-none', { revision: 2 }))).toBe(false)
        expect(await attempts.find('a-1')).toEqual(next)
        expect(await attempts.find('a-none')).toBeNull()
      })
    })

    it('refuses all that are pending of one subject, but the excepted', async () => {
      const mine = (id: string, more: Partial<Attempt> = {}) => attempt(id, { subjectId: 'mine', ...more })
      await store.transaction(async ({ attempts }) => {
        for (const id of ['r-1', 'r-2', 'r-spared']) await attempts.insert(mine(id, { revision: 4 }))
        await attempts.insert(mine('r-done', { status: 'complete' }))
        await attempts.insert(attempt('r-theirs'))
        expect(await attempts.refuseAll('mine', 'r-spared')).toBe(2)
        expect(await attempts.refuseAll('mine', 'r-spared')).toBe(0)
        for (const id of ['r-1', 'r-2']) {
          expect(await attempts.find(id)).toEqual(mine(id, { revision: 5, status: 'refused' }))
          expect(await attempts.replace(mine(id, { revision: 5, cursor: 1 }))).toBe(false)
        }
        expect((await attempts.find('r-spared'))?.status).toBe('pending')
        expect(await attempts.find('r-done')).toEqual(mine('r-done', { status: 'complete' }))
        expect((await attempts.find('r-theirs'))?.status).toBe('pending')
        expect([await attempts.refuseAll('mine'), await attempts.refuseAll('nobody-at-all')]).toEqual([1, 0])
      })
    })

    it('prunes what expired before a time, no more than asked for', async () => {
      const removed = await store.transaction(async ({ attempts }) => {
        for (let time = 1; time <= 5; time++)
          await attempts.insert(attempt(`old-${time}`, { expiresAt: time }))
        return [await attempts.prune(5, 3), await attempts.prune(5, 3), await attempts.prune(5, 3)]
      })
      expect(removed).toEqual([3, 1, 0])
      expect(await store.read(({ attempts }) => attempts.find('old-5'))).not.toBeNull()
    })
  })

  describe('one-time values', () => {
    it('spends a key once ever', async () => {
      const spend = () => store.transaction(({ once }) => once.spend('code:1'))
      expect([await spend(), await spend()]).toEqual([true, false])
    })

    it('raises only upwards', async () => {
      const raise = (value: number) => store.transaction(({ once }) => once.raise('step', value))
      const large = Number.MAX_SAFE_INTEGER
      const answers = [await raise(10), await raise(10), await raise(9), await raise(11), await raise(large)]
      expect([...answers, await raise(large - 1)]).toEqual([true, false, false, true, true, false])
    })

    it('takes spent and raised keys for different things', async () => {
      const both = store.transaction(async ({ once }) => [
        await once.spend('same'),
        await once.raise('same', 1),
      ])
      expect(await both).toEqual([true, true])
    })

    it('counts what begins with a prefix, byte by byte', async () => {
      const keys = ['set:a', 'set:b', 'set:é🗝', 'set:', 'Set:c', 'set', 'set;d', 'set9']
      await store.transaction(async ({ once }) => {
        for (const key of keys) await once.spend(key)
      })
      expect(await store.read(({ once }) => once.countSpent('set:'))).toBe(4)
      expect(await store.read(({ once }) => once.countSpent('nothing:'))).toBe(0)
    })
  })

  describe('guesses', () => {
    const guesses = { recent: [1, 2], inRow: 2, locks: 1, lockedUntil: 9, lastLockAt: null }

    it('saves, finds and clears a record', async () => {
      await store.transaction(async (tx) => {
        expect(await tx.guesses.lock('g')).toBeNull()
        expect(await tx.guesses.clear('g')).toBe(false)
        await tx.guesses.save('g', { ...guesses, inRow: 1 })
        await tx.guesses.save('g', guesses)
        expect(await tx.guesses.lock('g')).toEqual(guesses)
      })
      expect(await store.read((tx) => tx.guesses.find('g'))).toEqual(guesses)
      expect(await store.transaction((tx) => tx.guesses.clear('g'))).toBe(true)
      expect(await store.transaction((tx) => tx.guesses.clear('g'))).toBe(false)
      expect(await store.read((tx) => tx.guesses.find('g'))).toBeNull()
    })
  })

  describe('applications, keys and settings', () => {
    const shop: Application = {
      name: 'shop',
      issuer: 'Shop',
      rpId: null,
      origins: ['https://a', 'https://b'],
      createdAt: 1,
    }
    const key = (id: string, createdAt: number): ApiKey => ({
      id,
      application: 'shop',
      name: 'backend',
      hash: `hash of ${id}`,
      scopes: ['verify', 'enrol'],
      createdAt,
      revokedAt: null,
      lastUsedAt: null,
    })

    it('inserts an application once, finds and lists', async () => {
      await store.transaction(async ({ applications }) => {
        expect(await applications.insert(shop)).toBe(true)
        expect(await applications.insert({ ...shop, issuer: 'Another' })).toBe(false)
        expect(await applications.insert({ ...shop, name: 'bank', rpId: 'bank.example' })).toBe(true)
        expect(await applications.find('shop')).toEqual(shop)
        const first = await applications.list({ limit: 1 })
        const second = await applications.list({ limit: 1, after: first.next })
        expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['bank', 'shop'])
        expect(second.next).toBeNull()
      })
    })

    it('updates of an application only what is named', async () => {
      await store.transaction(async ({ applications }) => {
        await applications.insert({ ...shop, name: 'mill' })
        expect(await applications.update('mill', { rpId: 'mill.example' })).toBe(true)
        expect(await applications.update('mill', { issuer: 'Mill', origins: [] })).toBe(true)
        expect(await applications.update('mill', {})).toBe(true)
        expect(await applications.update('none', { issuer: 'None' })).toBe(false)
        const expected = { ...shop, name: 'mill', issuer: 'Mill', rpId: 'mill.example', origins: [] }
        expect(await applications.find('mill')).toEqual(expected)
        expect(await applications.update('mill', { rpId: null })).toBe(true)
        expect(await applications.find('mill')).toEqual({ ...expected, rpId: null })
        expect(await applications.find('shop')).toEqual(shop)
      })
    })

    it('keeps companies, each name once', async () => {
      await store.transaction(async ({ companies }) => {
        const [acme, zorg] = [
          { name: 'Acme', createdAt: 2 },
          { name: 'Zorg', createdAt: 1 },
        ]
        expect([await companies.insert(zorg), await companies.insert(acme)]).toEqual([true, true])
        expect(await companies.insert({ ...acme, createdAt: 9 })).toBe(false)
        const first = await companies.list({ limit: 1 })
        const second = await companies.list({ limit: 1, after: first.next })
        expect([...first.items, ...second.items]).toEqual([acme, zorg])
        expect([await companies.remove('Acme'), await companies.remove('Acme')]).toEqual([true, false])
        expect((await companies.list({ limit: 9 })).items).toEqual([zorg])
      })
    })

    it('finds an API key by its hash, revokes it once, and lists oldest first', async () => {
      await store.transaction(async ({ apiKeys }) => {
        for (const [id, at] of [
          ['k-a', 3],
          ['k-b', 1],
          ['k-c', 1],
        ] as const)
          await apiKeys.insert(key(id, at))
        expect(await apiKeys.findByHash('hash of k-a')).toEqual(key('k-a', 3))
        expect(await apiKeys.findByHash('hash of k')).toBeNull()
        expect([await apiKeys.revoke('k-a', 7), await apiKeys.revoke('k-a', 8)]).toEqual([true, false])
        expect((await apiKeys.findByHash('hash of k-a'))?.revokedAt).toBe(7)
        expect([await apiKeys.touch('k-b', 60, 0), await apiKeys.touch('k-b', 61, 1)]).toEqual([true, false])
        expect([await apiKeys.touch('k-b', 130, 70), await apiKeys.touch('k-x', 130, 70)]).toEqual([
          true,
          false,
        ])
        expect((await apiKeys.findByHash('hash of k-b'))?.lastUsedAt).toBe(130)
        const first = await apiKeys.list({ limit: 2 })
        const second = await apiKeys.list({ limit: 2, after: first.next })
        expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['k-b', 'k-c', 'k-a'])
      })
    })

    it('tells a doubled API key hash from a lost database', async () => {
      const insert = (id: string) =>
        store.transaction(({ apiKeys }) => apiKeys.insert({ ...key(id, 1), hash: 'same' }))
      await insert('k-d')
      await expect(insert('k-e')).rejects.toMatchObject({ code: 'store_conflict' })
    })

    it('inserts a setting once and puts it always', async () => {
      await store.transaction(async ({ settings }) => {
        expect(await settings.find('salt')).toBeNull()
        expect([await settings.insert('salt', 'a'), await settings.insert('salt', 'b')]).toEqual([
          true,
          false,
        ])
        expect(await settings.find('salt')).toBe('a')
        await settings.put('salt', 'c')
        expect(await settings.find('salt')).toBe('c')
      })
    })

    it('keeps a megabyte and takes hostile text for text', async () => {
      const hostile = `'; DROP TABLE settings; -- $1 ? \\ " ${'x'.repeat(1 << 20)}`
      await store.transaction(({ settings }) => settings.put('hostile', hostile))
      expect(await store.read(({ settings }) => settings.find('hostile'))).toBe(hostile)
    })
  })

  it('checks that it can read and write', async () => {
    await expect(store.check()).resolves.toBeUndefined()
  })
}
