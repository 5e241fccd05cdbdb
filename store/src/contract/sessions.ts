import type { Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, refreshToken, session, ticket } from './samples.ts'

export function describeSessions({ fresh }: Bench): void {
  let store: Store
  beforeAll(async () => {
    store = await fresh()
  })

  describe('sessions', () => {
    it('keep every field', async () => {
      const full = session('full', 'keeper', {
        kind: 'enrolling',
        provedAt: 11,
        address: '2001:db8::1',
        userAgent: 'Ü/1.0 🗝',
        revokedAt: 12,
      })
      await store.transaction(async (tx) => {
        await addSubject(tx, 'keeper')
        await tx.sessions.insert(full)
        await tx.sessions.insert(session('bare', 'keeper', { factors: [] }))
      })
      expect(await store.read(({ sessions }) => sessions.find('full'))).toEqual(full)
      expect(await store.read(({ sessions }) => sessions.find('bare'))).toEqual(
        session('bare', 'keeper', { factors: [] }),
      )
      expect(await store.read(({ sessions }) => sessions.find('none'))).toBeNull()
    })

    it('are nobody’s when the subject is gone', async () => {
      const orphan = store.transaction(({ sessions }) => sessions.insert(session('orphan', 'nobody')))
      await expect(orphan).rejects.toMatchObject({ code: 'store_conflict' })
    })

    it('are listed while in force, newest first', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'lister')
        await tx.sessions.insert(session('l-old', 'lister', { createdAt: 1, expiresAt: 50 }))
        await tx.sessions.insert(session('l-new', 'lister', { createdAt: 9 }))
        await tx.sessions.insert(session('l-mid', 'lister', { createdAt: 5 }))
        await tx.sessions.insert(session('l-revoked', 'lister', { revokedAt: 7 }))
        const ids = async (now: number) =>
          (await tx.sessions.listBySubject('lister', now)).map(({ id }) => id)
        expect(await ids(49)).toEqual(['l-new', 'l-mid', 'l-old'])
        expect(await ids(50)).toEqual(['l-new', 'l-mid'])
        expect(await ids(1000)).toEqual([])
      })
    })

    it('are listed for everybody, page by page, while in force', async () => {
      const other = await fresh()
      await other.transaction(async (tx) => {
        for (const id of ['one', 'two', 'erased']) await addSubject(tx, id)
        for (const [index, id] of ['one', 'two', 'one', 'erased'].entries())
          await tx.sessions.insert(session(`all-${index}`, id, { createdAt: index, expiresAt: 100 + index }))
        await tx.sessions.insert(session('all-revoked', 'one', { revokedAt: 7 }))
        await tx.subjects.erase('erased', 50)
        const ids = async (now: number, after: string | null = null) => {
          const { items, next } = await tx.sessions.list(now, { limit: 2, after })
          return { ids: items.map(({ id }) => id), next }
        }
        const first = await ids(99)
        expect(first.ids).toEqual(['all-0', 'all-1'])
        expect(await ids(99, first.next)).toEqual({ ids: ['all-2'], next: null })
        expect(await ids(101)).toEqual({ ids: ['all-2'], next: null })
      })
    })

    it('take fresh proof while in force', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'prover')
        await tx.sessions.insert(session('p', 'prover', { expiresAt: 100 }))
        expect(await tx.sessions.prove('p', { at: 99, factors: ['totp', 'backup'] })).toBe(true)
        expect(await tx.sessions.prove('p', { at: 100, factors: ['webauthn'] })).toBe(false)
        expect(await tx.sessions.prove('none', { at: 1, factors: [] })).toBe(false)
        expect(await tx.sessions.find('p')).toMatchObject({ provedAt: 99, factors: ['totp', 'backup'] })
        await tx.sessions.revoke('p', 50)
        expect(await tx.sessions.prove('p', { at: 60, factors: ['webauthn'] })).toBe(false)
      })
    })

    it('become full once, unless revoked', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'enroller')
        await tx.sessions.insert(session('e-1', 'enroller', { kind: 'enrolling' }))
        await tx.sessions.insert(session('e-2', 'enroller', { kind: 'enrolling', revokedAt: 5 }))
        expect([await tx.sessions.promote('e-1'), await tx.sessions.promote('e-1')]).toEqual([true, false])
        expect(await tx.sessions.promote('e-2')).toBe(false)
        expect((await tx.sessions.find('e-1'))?.kind).toBe('full')
      })
    })

    it('are revoked once, alone or all but one', async () => {
      await store.transaction(async (tx) => {
        for (const id of ['leaver', 'stayer']) await addSubject(tx, id)
        for (const id of ['r-1', 'r-2', 'r-3', 'r-spared']) await tx.sessions.insert(session(id, 'leaver'))
        await tx.sessions.insert(session('r-expired', 'leaver', { expiresAt: 15 }))
        await tx.sessions.insert(session('r-theirs', 'stayer'))
        expect([await tx.sessions.revoke('r-1', 20), await tx.sessions.revoke('r-1', 21)]).toEqual([
          true,
          false,
        ])
        expect((await tx.sessions.revokeAll('leaver', 30, 'r-spared')).sort()).toEqual(['r-2', 'r-3'])
        expect(await tx.sessions.revokeAll('leaver', 40, 'r-spared')).toEqual([])
        expect((await tx.sessions.find('r-1'))?.revokedAt).toBe(20)
        expect((await tx.sessions.find('r-2'))?.revokedAt).toBe(30)
        expect((await tx.sessions.find('r-expired'))?.revokedAt).toBe(30)
        expect((await tx.sessions.find('r-theirs'))?.revokedAt).toBeNull()
        expect(await tx.sessions.revokeAll('leaver', 50)).toEqual(['r-spared'])
      })
    })

    it('tell which were revoked since a time', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'told')
        for (const at of [5001, 5002, 5003])
          await tx.sessions.insert(session(`told-${at}`, 'told', { revokedAt: at }))
        expect((await tx.sessions.revokedSince(5002)).sort()).toEqual(['told-5002', 'told-5003'])
        expect(await tx.sessions.revokedSince(5004)).toEqual([])
      })
    })

    it('are pruned with their refresh tokens once they expired before a time', async () => {
      const other = await fresh()
      await other.transaction(async (tx) => {
        await addSubject(tx, 's')
        for (const expiresAt of [1, 2, 3, 4])
          await tx.sessions.insert(session(`old-${expiresAt}`, 's', { expiresAt }))
        await tx.refreshTokens.insert(refreshToken('of old-1', 'old-1'))
        await tx.refreshTokens.insert(refreshToken('of old-4', 'old-4'))
        expect([await tx.sessions.prune(4, 2), await tx.sessions.prune(4, 2)]).toEqual([2, 1])
        expect(await tx.sessions.prune(4, 2)).toBe(0)
        expect(await tx.sessions.find('old-4')).not.toBeNull()
        expect(await tx.refreshTokens.find('of old-1')).toBeNull()
        expect(await tx.refreshTokens.find('of old-4')).not.toBeNull()
      })
    })
  })

  describe('refresh tokens', () => {
    it('are used once and show it', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'refresher')
        await tx.sessions.insert(session('rs', 'refresher'))
        const token = refreshToken('rt', 'rs')
        await tx.refreshTokens.insert(token)
        expect(await tx.refreshTokens.find('rt')).toEqual(token)
        expect([await tx.refreshTokens.use('rt', 20), await tx.refreshTokens.use('rt', 21)]).toEqual([
          true,
          false,
        ])
        expect(await tx.refreshTokens.find('rt')).toEqual({ ...token, usedAt: 20 })
        expect([await tx.refreshTokens.use('none', 20), await tx.refreshTokens.find('none')]).toEqual([
          false,
          null,
        ])
      })
    })

    it('are pruned once they expired before a time', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'pruned')
        await tx.sessions.insert(session('ps', 'pruned'))
        for (const expiresAt of [1, 2, 3])
          await tx.refreshTokens.insert(refreshToken(`pt-${expiresAt}`, 'ps', { expiresAt }))
        expect([await tx.refreshTokens.prune(3, 1), await tx.refreshTokens.prune(3, 9)]).toEqual([1, 1])
        expect(await tx.refreshTokens.find('pt-3')).not.toBeNull()
      })
    })
  })

  describe('tickets', () => {
    it('keep every field and are redeemed once, for their purpose, before they expire', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'guest')
        const full = ticket('t-full', { subjectId: 'guest', reason: 'lost phone', purpose: 'enrolment_link' })
        await tx.tickets.insert(full)
        expect(await tx.tickets.find('t-full')).toEqual(full)
        expect(await tx.tickets.redeem('t-full', 'pass', 20)).toBeNull()
        expect(await tx.tickets.redeem('t-full', 'enrolment_link', 1000)).toBeNull()
        expect(await tx.tickets.redeem('t-full', 'enrolment_link', 999)).toEqual({ ...full, usedAt: 999 })
        expect(await tx.tickets.redeem('t-full', 'enrolment_link', 999)).toBeNull()
        expect(await tx.tickets.find('t-full')).toEqual({ ...full, usedAt: 999 })
        expect(await tx.tickets.redeem('none', 'pass', 20)).toBeNull()
        expect(await tx.tickets.find('none')).toBeNull()
      })
    })

    it('are voided by subject and purpose, or those of nobody', async () => {
      const other = await fresh()
      await other.transaction(async (tx) => {
        for (const id of ['a', 'b']) await addSubject(tx, id)
        await tx.tickets.insert(ticket('a-reset', { subjectId: 'a', purpose: 'password_reset' }))
        await tx.tickets.insert(ticket('a-old', { subjectId: 'a', purpose: 'password_reset', expiresAt: 15 }))
        await tx.tickets.insert(ticket('a-pass', { subjectId: 'a', purpose: 'pass' }))
        await tx.tickets.insert(ticket('b-reset', { subjectId: 'b', purpose: 'password_reset' }))
        await tx.tickets.insert(ticket('first', { purpose: 'first_admin' }))
        await tx.tickets.insert(ticket('second', { purpose: 'first_admin' }))
        const voided = () => tx.tickets.voidAll('a', 'password_reset', 20)
        expect([await voided(), await voided()]).toEqual([1, 0])
        expect(await tx.tickets.redeem('a-reset', 'password_reset', 30)).toBeNull()
        expect((await tx.tickets.find('a-old'))?.usedAt).toBe(20)
        expect(await tx.tickets.redeem('a-pass', 'pass', 30)).not.toBeNull()
        expect(await tx.tickets.voidAll(null, 'password_reset', 20)).toBe(0)
        expect(await tx.tickets.redeem('b-reset', 'password_reset', 30)).not.toBeNull()
        expect(await tx.tickets.voidAll(null, 'first_admin', 20)).toBe(2)
        expect(await tx.tickets.redeem('first', 'first_admin', 30)).toBeNull()
        expect(await tx.tickets.prune(1000, 1)).toBe(1)
        expect(await tx.tickets.find('a-old')).toBeNull()
      })
    })
  })
}
