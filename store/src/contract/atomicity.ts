import type { Store, Tx } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { attempt, enrolment, fakeLinker, none, record, subject } from './samples.ts'

export function describeAtomicity({ fresh }: Bench): void {
  describe('transactions', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
    })

    const find = (name: string) => store.read(({ settings }) => settings.find(name))

    it('answers what the work answers and shows it its own writes', async () => {
      const answer = await store.transaction(async ({ settings }) => {
        await settings.put('own', 'seen')
        return settings.find('own')
      })
      expect(answer).toBe('seen')
    })

    it('rolls back what rejects, alone, among others that succeed at the same moment', async () => {
      const write = (index: number) =>
        store.transaction(async ({ settings }) => {
          await settings.put(`group-${index}`, 'written')
          if (index % 3 === 0) throw new Error(`no ${index}`)
          return index
        })
      const results = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => write(index)))
      for (const [index, result] of results.entries()) {
        const refused = index % 3 === 0
        expect(result.status).toBe(refused ? 'rejected' : 'fulfilled')
        expect(await find(`group-${index}`)).toBe(refused ? null : 'written')
        if (result.status === 'rejected') expect(result.reason.message).toBe(`no ${index}`)
      }
    })

    it('keeps nothing of a transaction in which a statement failed, though the work caught it', async () => {
      const swallowed = store.transaction(async ({ settings, enrolments }) => {
        await settings.put('before-failure', 'written')
        await enrolments.insert(enrolment('orphan', 'nobody')).catch(() => undefined)
        await settings.put('after-failure', 'written').catch(() => undefined)
      })
      await expect(swallowed).rejects.toMatchObject({ code: 'store_conflict' })
      expect([await find('before-failure'), await find('after-failure')]).toEqual([null, null])
    })

    it('hands no one the ports of a transaction that is over', async () => {
      let late: Tx | undefined
      await store.transaction(async (tx) => {
        late = tx
      })
      await expect(late!.settings.put('late', 'written')).rejects.toThrow('ended')
      expect(() => late!.ledger.append(record('late'))).toThrow(TypeError)
      expect(await find('late')).toBeNull()
    })

    it('runs many transactions on few connections', async () => {
      const writes = Array.from({ length: 200 }, (_, index) =>
        store.transaction(({ settings }) => settings.put(`many-${index}`, 'written')),
      )
      await Promise.all(writes)
      expect(await find('many-199')).toBe('written')
    })

    it('refuses the records of a transaction while no ledger is attached, and all it wrote', async () => {
      const unlinked = store.transaction(async ({ settings, ledger }) => {
        await settings.put('unlinked', 'written')
        ledger.append(record('unlinked'))
      })
      await expect(unlinked).rejects.toMatchObject({ code: 'store_unavailable' })
      expect(await find('unlinked')).toBeNull()
    })

    it('refuses everything once closed', async () => {
      const closing = await fresh()
      await closing.transaction(({ settings }) => settings.put('a', 'b'))
      const last = closing.transaction(({ settings }) => settings.put('c', 'd'))
      await Promise.all([closing.close(), last])
      await closing.close()
      const unavailable = { code: 'store_unavailable' }
      await expect(closing.transaction(({ settings }) => settings.put('e', 'f'))).rejects.toMatchObject(
        unavailable,
      )
      await expect(closing.read(({ settings }) => settings.find('a'))).rejects.toMatchObject(unavailable)
      await expect(closing.check()).rejects.toMatchObject(unavailable)
    })
  })

  describe('reads', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
      store.attachLedger(fakeLinker)
    })

    const writes: [string, (tx: Tx) => unknown][] = [
      ['subjects.insert', (tx) => tx.subjects.insert(subject('r'), ['r'])],
      ['subjects.update', (tx) => tx.subjects.update('r', { role: 'admin' })],
      ['subjects.erase', (tx) => tx.subjects.erase('r', 1)],
      ['enrolments.revoke', (tx) => tx.enrolments.revoke('r', 1)],
      ['attempts.insert', (tx) => tx.attempts.insert(attempt('r'))],
      ['attempts.prune', (tx) => tx.attempts.prune(1, 1)],
      ['once.spend', (tx) => tx.once.spend('r')],
      ['once.raise', (tx) => tx.once.raise('r', 1)],
      ['guesses.save', (tx) => tx.guesses.save('r', none)],
      ['guesses.clear', (tx) => tx.guesses.clear('r')],
      ['challenges.takeTry', (tx) => tx.challenges.takeTry('r')],
      ['sessions.revokeAll', (tx) => tx.sessions.revokeAll('r', 1)],
      ['refreshTokens.use', (tx) => tx.refreshTokens.use('r', 1)],
      ['tickets.redeem', (tx) => tx.tickets.redeem('r', 'pass', 1)],
      ['outbox.claim', (tx) => tx.outbox.claim(1, 2, 1)],
      ['settings.put', (tx) => tx.settings.put('r', 'r')],
      ['ledger.append', (tx) => tx.ledger.append(record('r'))],
    ]
    it.each(writes)('refuse %s', async (_, write) => {
      await expect(store.read(async (tx) => write(tx))).rejects.toThrow()
      expect(await store.read((tx) => tx.settings.find('r'))).toBeNull()
      expect(await store.read((tx) => tx.ledger.head())).toBeNull()
    })

    it('see one state from their first look on, and the newest at the next read', async () => {
      await store.transaction(({ settings }) => settings.put('state', 'old'))
      let release = () => {}
      const writing = new Promise<void>((resolve) => {
        release = resolve
      })
      const [looks] = await Promise.all([
        store.read(async ({ settings }) => {
          const first = await settings.find('state')
          await writing
          return [first, await settings.find('state')]
        }),
        store.transaction(({ settings }) => settings.put('state', 'new')).finally(release),
      ])
      expect(looks[0]).toBe(looks[1])
      expect(await store.read(({ settings }) => settings.find('state'))).toBe('new')
    })

    it('go on at once, many of them', async () => {
      const found = await Promise.all(
        Array.from({ length: 100 }, () => store.read(({ settings }) => settings.find('state'))),
      )
      expect(new Set(found)).toEqual(new Set(['new']))
    })
  })
}
