import type { ApiKey, Application, Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from '../contract.ts'
import { addSubject, attempt, enrolment, subject } from './samples.ts'

export function describePorts({ fresh }: Bench): void {
  let store: Store
  beforeAll(async () => {
    store = await fresh()
  })

  describe('subjects', () => {
    it('keeps every field and finds by id and by each alias', async () => {
      const full = subject('s-full', {
        email: 'ann@example.org',
        role: 'admin',
        company: 'Acme',
        ref: 'Ann Ünal 🗝',
      })
      expect(
        await store.transaction((tx) => tx.subjects.insert(full, ['ann', 'ann@example.org', 'ann'])),
      ).toBe(true)
      await store.read(async ({ subjects }) => {
        expect(await subjects.find('s-full')).toEqual(full)
        expect(await subjects.findByAlias('shop', 'ann')).toEqual(full)
        expect(await subjects.findByAlias('shop', 'ann@example.org')).toEqual(full)
        expect(await subjects.findByAlias('other', 'ann')).toBeNull()
        expect(await subjects.findByAlias('shop', 'Ann')).toBeNull()
        expect(await subjects.find('nobody')).toBeNull()
      })
    })

    it('refuses a taken alias and leaves nothing behind, while the transaction goes on', async () => {
      await store.transaction(async ({ subjects, settings }) => {
        expect(await subjects.insert(subject('s-first'), ['taken'])).toBe(true)
        expect(await subjects.insert(subject('s-late'), ['a-free', 'taken', 'z-free'])).toBe(false)
        await settings.put('after-refusal', 'written')
      })
      await store.read(async ({ subjects, settings }) => {
        expect(await subjects.find('s-late')).toBeNull()
        expect(await subjects.findByAlias('shop', 'a-free')).toBeNull()
        expect((await subjects.findByAlias('shop', 'taken'))?.id).toBe('s-first')
        expect(await settings.find('after-refusal')).toBe('written')
      })
    })

    it('lets two applications use the same alias', async () => {
      const other = subject('s-elsewhere', { application: 'elsewhere' })
      expect(await store.transaction((tx) => tx.subjects.insert(other, ['taken']))).toBe(true)
    })

    it('updates only what is named', async () => {
      await store.transaction(async ({ subjects }) => {
        await subjects.insert(subject('s-update', { email: 'old@example.org', company: 'Acme' }), [
          's-update',
        ])
        expect(await subjects.update('s-update', { email: null })).toBe(true)
        expect(await subjects.update('s-update', { role: 'auditor' })).toBe(true)
        expect(await subjects.update('s-update', {})).toBe(true)
        expect(await subjects.update('nobody', { role: 'admin' })).toBe(false)
        const expected = subject('s-update', { company: 'Acme', role: 'auditor' })
        expect(await subjects.find('s-update')).toEqual(expected)
      })
    })

    it('pages through a list that changes meanwhile, each subject once', async () => {
      const names = Array.from({ length: 25 }, (_, index) => `user-${String(index).padStart(2, '0')}`)
      await store.transaction(async ({ subjects }) => {
        for (const name of names)
          await subjects.insert(subject(`p-${name}`, { application: 'paged', ref: name }), [name])
      })
      const seen: string[] = []
      let after: string | null = null
      do {
        const page = await store.read(({ subjects }) => subjects.list('paged', { after, limit: 10 }))
        seen.push(...page.items.map((item) => item.ref))
        after = page.next
        await store.transaction(({ subjects }) => subjects.erase(`p-${seen[0]}`))
      } while (after !== null)
      expect(seen).toEqual(names)
    })

    it('ends exactly at the last full page', async () => {
      await store.transaction(async ({ subjects }) => {
        for (const name of ['a', 'b'])
          await subjects.insert(subject(`two-${name}`, { application: 'two' }), [name])
      })
      const page = await store.read(({ subjects }) => subjects.list('two', { limit: 2 }))
      expect([page.items.length, page.next]).toEqual([2, null])
    })

    it('filters by role and by part of any name, wildcards taken literally', async () => {
      await store.transaction(async ({ subjects }) => {
        await subjects.insert(subject('f-1', { application: 'found', role: 'admin' }), [
          'ann',
          'ann@example.org',
        ])
        await subjects.insert(subject('f-2', { application: 'found' }), ['100%_sure!'])
      })
      const ids = async (filter: { search?: string; role?: string }) => {
        const page = await store.read(({ subjects }) => subjects.list('found', { limit: 10, ...filter }))
        return page.items.map((item) => item.id)
      }
      expect(await ids({})).toEqual(['f-1', 'f-2'])
      expect(await ids({ role: 'admin' })).toEqual(['f-1'])
      expect(await ids({ search: 'EXAMPLE' })).toEqual(['f-1'])
      expect(await ids({ search: '%_s' })).toEqual(['f-2'])
      expect(await ids({ search: 'e!' })).toEqual(['f-2'])
      expect(await ids({ search: '%' })).toEqual(['f-2'])
      expect(await ids({ search: 'ann', role: 'user' })).toEqual([])
    })

    it.each(['x', 'e30', 'W10', 'W1tdLFtdXQ', 'bnVsbA', '💥'])(
      'refuses the made-up cursor %j',
      async (after) => {
        const listing = store.read(({ subjects }) => subjects.list('paged', { after, limit: 10 }))
        await expect(listing).rejects.toMatchObject({ code: 'invalid_input' })
      },
    )

    it('erases a subject with all it had, and nobody else', async () => {
      const guesses = { recent: [1], inRow: 1, locks: 0, lockedUntil: null, lastLockAt: null }
      await store.transaction(async (tx) => {
        for (const id of ['gone', 'kept']) {
          await addSubject(tx, id)
          await tx.enrolments.insert(enrolment(`e-${id}`, id))
          await tx.attempts.insert(attempt(`a-${id}`, { subjectId: id }))
          await tx.guesses.save(`subject:${id}`, guesses)
          await tx.guesses.save(`confirm:e-${id}`, guesses)
        }
        expect(await tx.subjects.erase('gone')).toBe(true)
        expect(await tx.subjects.erase('gone')).toBe(false)
      })
      await store.read(async (tx) => {
        const left = async (id: string) => [
          await tx.subjects.find(id),
          await tx.subjects.findByAlias('shop', id),
          await tx.enrolments.find(`e-${id}`),
          await tx.attempts.find(`a-${id}`),
          await tx.guesses.find(`subject:${id}`),
          await tx.guesses.find(`confirm:e-${id}`),
        ]
        expect(await left('gone')).toEqual([null, null, null, null, null, null])
        expect(await left('kept')).not.toContain(null)
      })
    })
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
