import type { Store } from '@sallyport/core'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, challenge, outboxRow } from './samples.ts'

export function describeMail({ fresh }: Bench): void {
  describe('challenges', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
    })

    it('live until they expire, end, or have no tries left', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'liver')
        const open = challenge('c', 'liver', { triesLeft: 2 })
        await tx.challenges.open(open)
        expect(await tx.challenges.live('liver', 'email', 999)).toEqual(open)
        expect(await tx.challenges.live('liver', 'email', 1000)).toBeNull()
        expect(await tx.challenges.live('liver', 'webauthn', 20)).toBeNull()
        expect(await tx.challenges.live('nobody', 'email', 20)).toBeNull()
        const take = () => tx.challenges.takeTry('c')
        expect(await take()).toBe(true)
        expect(await tx.challenges.live('liver', 'email', 20)).toEqual({ ...open, triesLeft: 1 })
        expect([await take(), await take()]).toEqual([true, false])
        expect(await tx.challenges.live('liver', 'email', 20)).toBeNull()
        expect(await tx.challenges.takeTry('none')).toBe(false)
      })
    })

    it('end once, and give no try then', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'ender')
        await tx.challenges.open(challenge('e', 'ender'))
        expect([await tx.challenges.end('e', 20), await tx.challenges.end('e', 21)]).toEqual([true, false])
        expect(await tx.challenges.takeTry('e')).toBe(false)
        expect(await tx.challenges.live('ender', 'email', 20)).toBeNull()
        expect(await tx.challenges.end('none', 20)).toBe(false)
      })
    })

    it('void the one before, of the same subject and factor only', async () => {
      await store.transaction(async (tx) => {
        for (const id of ['opener', 'bystander']) await addSubject(tx, id)
        await tx.challenges.open(challenge('o-1', 'opener', { createdAt: 10 }))
        await tx.challenges.open(challenge('o-key', 'opener', { factor: 'webauthn' }))
        await tx.challenges.open(challenge('b-1', 'bystander'))
        await tx.challenges.open(challenge('o-2', 'opener', { createdAt: 20 }))
        const live = async (...of: ['opener' | 'bystander', 'email' | 'webauthn']) =>
          (await tx.challenges.live(...of, 30))?.id
        expect(await live('opener', 'email')).toBe('o-2')
        expect(await live('opener', 'webauthn')).toBe('o-key')
        expect(await live('bystander', 'email')).toBe('b-1')
        expect(await tx.challenges.takeTry('o-1')).toBe(false)
        expect(await tx.challenges.countSince('opener', 'email', 10)).toBe(2)
        expect(await tx.challenges.countSince('opener', 'email', 11)).toBe(1)
        expect(await tx.challenges.countSince('opener', 'email', 21)).toBe(0)
      })
    })

    it('refuse an id that is taken, ended or not', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'twice')
        await tx.challenges.open(challenge('same', 'twice'))
      })
      const again = store.transaction(({ challenges }) => challenges.open(challenge('same', 'twice')))
      await expect(again).rejects.toMatchObject({ code: 'store_conflict' })
      expect(await store.read((tx) => tx.challenges.live('twice', 'email', 20))).not.toBeNull()
    })

    it('are pruned once they expired before a time', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'pruner')
        for (const expiresAt of [1, 2, 3])
          await tx.challenges.open(challenge(`p-${expiresAt}`, 'pruner', { expiresAt }))
        expect([await tx.challenges.prune(3, 1), await tx.challenges.prune(3, 9)]).toEqual([1, 1])
        expect(await tx.challenges.countSince('pruner', 'email', 0)).toBe(1)
      })
    })
  })

  describe('the outbox', () => {
    let store: Store
    beforeEach(async () => {
      store = await fresh()
    })

    it('hands out what is due, oldest first, each once until its time', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 's')
        const second = outboxRow('second', { createdAt: 2, subjectId: 's', failures: 1 })
        for (const row of [
          outboxRow('third', { createdAt: 3 }),
          second,
          outboxRow('first', { createdAt: 1 }),
          outboxRow('later', { createdAt: 0, dueAt: 21 }),
        ])
          await tx.outbox.insert(row)
        const claim = async (now: number, limit = 9) =>
          (await tx.outbox.claim(now, now + 100, limit)).map(({ id }) => id)
        expect(await tx.outbox.claim(9, 100, 9)).toEqual([])
        expect(await tx.outbox.claim(20, 120, 2)).toEqual([
          outboxRow('first', { createdAt: 1, dueAt: 120 }),
          { ...second, dueAt: 120 },
        ])
        expect(await claim(20)).toEqual(['third'])
        expect(await claim(20)).toEqual([])
        expect(await claim(119)).toEqual(['later'])
        expect(await claim(120)).toEqual(['first', 'second', 'third'])
        expect(await tx.outbox.count()).toBe(4)
      })
    })

    it('takes back what failed, for later, and lets go what was sent', async () => {
      await store.transaction(async ({ outbox }) => {
        await outbox.insert(outboxRow('a'))
        await outbox.claim(20, 100, 1)
        expect(await outbox.postpone('a', 50)).toBe(true)
        expect(await outbox.claim(49, 100, 1)).toEqual([])
        expect(await outbox.claim(50, 100, 1)).toEqual([outboxRow('a', { dueAt: 100, failures: 1 })])
        expect([await outbox.remove('a'), await outbox.remove('a')]).toEqual([true, false])
        expect(await outbox.postpone('a', 50)).toBe(false)
        expect(await outbox.count()).toBe(0)
      })
    })
  })
}
