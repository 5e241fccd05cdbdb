import type { Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import {
  addSubject,
  attempt,
  challenge,
  enrolment,
  outboxRow,
  refreshToken,
  session,
  subject,
  ticket,
} from './samples.ts'

export function describeSubjects({ fresh }: Bench): void {
  describe('subjects', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
    })

    it('keeps every field and finds by id and by each alias', async () => {
      const full = subject('s-full', {
        email: 'ann@example.org',
        emailVerifiedAt: 1,
        role: 'admin',
        company: 'Acme',
        ref: 'Ann Ünal 🗝',
        disabledAt: 2,
        requiredSince: 3,
        passwordResetAt: 4,
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

    it('tells who stands where, by pages, without those who are shut out', async () => {
      const add = (id: string, more: object = {}) =>
        store.transaction((tx) => tx.subjects.insert(subject(id, { application: 'standing', ...more }), [id]))
      await add('st-1', { role: 'admin', requiredSince: 7 })
      await add('st-2', { disabledAt: 1 })
      await add('st-3')
      await store.transaction(async ({ enrolments }) => {
        const active = { status: 'active' as const, confirmedAt: 30 }
        await enrolments.insert(enrolment('st-late', 'st-1', active))
        await enrolments.insert(
          enrolment('st-early', 'st-1', { ...active, factor: 'email', confirmedAt: 20 }),
        )
        await enrolments.insert(enrolment('st-password', 'st-3', { ...active, factor: 'password' }))
        await enrolments.insert(enrolment('st-pending', 'st-3'))
      })
      const standings = (after: string, limit: number) =>
        store.read((tx) => tx.subjects.standings('standing', after, limit))
      const [first, third] = await standings('', 9)
      expect(first).toEqual({ id: 'st-1', role: 'admin', requiredSince: 7, enrolledAt: 20 })
      expect(third).toEqual({ id: 'st-3', role: 'user', requiredSince: null, enrolledAt: null })
      expect(await standings('', 1)).toEqual([first])
      expect(await standings('st-1', 9)).toEqual([third])
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
        const rest = {
          email: 'new@example.org',
          company: null,
          emailVerifiedAt: 1,
          disabledAt: 2,
          requiredSince: 3,
          passwordResetAt: 4,
        }
        expect(await subjects.update('s-update', rest)).toBe(true)
        expect(await subjects.find('s-update')).toEqual({ ...expected, ...rest })
        expect(await subjects.update('s-update', { disabledAt: null })).toBe(true)
        expect(await subjects.find('s-update')).toEqual({ ...expected, ...rest, disabledAt: null })
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
        await store.transaction(({ subjects }) => subjects.erase(`p-${seen[0]}`, 1))
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

    it('gives and takes further names, each one subject’s only', async () => {
      await store.transaction(async ({ subjects }) => {
        await subjects.insert(subject('n-1', { application: 'named' }), ['one'])
        await subjects.insert(subject('n-2', { application: 'named' }), ['two'])
        await subjects.insert(subject('n-3', { application: 'other' }), ['three'])
        expect(await subjects.addAlias('n-1', 'uno')).toBe(true)
        expect(await subjects.addAlias('n-1', 'uno')).toBe(true)
        expect(await subjects.addAlias('n-2', 'uno')).toBe(false)
        expect(await subjects.addAlias('n-3', 'uno')).toBe(true)
        expect(await subjects.addAlias('nobody', 'free')).toBe(false)
        expect(await subjects.aliases('n-1')).toEqual(['one', 'uno'])
        expect((await subjects.findByAlias('named', 'uno'))?.id).toBe('n-1')
        expect(await subjects.removeAlias('n-2', 'uno')).toBe(false)
        expect([await subjects.removeAlias('n-1', 'uno'), await subjects.removeAlias('n-1', 'uno')]).toEqual([
          true,
          false,
        ])
        expect(await subjects.findByAlias('named', 'uno')).toBeNull()
        expect((await subjects.findByAlias('other', 'uno'))?.id).toBe('n-3')
        expect(await subjects.aliases('nobody')).toEqual([])
        expect(await subjects.addAlias('n-2', 'uno')).toBe(true)
      })
    })

    it('counts those of an application, or of a role in it', async () => {
      await store.transaction(async ({ subjects }) => {
        await subjects.insert(subject('c-1', { application: 'counted', role: 'admin' }), ['1'])
        await subjects.insert(subject('c-2', { application: 'counted' }), ['2'])
        expect(await subjects.count('counted')).toBe(2)
        expect(await subjects.count('counted', { role: 'admin' })).toBe(1)
        expect(await subjects.count('counted', { role: 'auditor' })).toBe(0)
        expect(await subjects.count('nowhere')).toBe(0)
      })
    })

    it('erases a subject with all it had, and nobody else', async () => {
      const guesses = { recent: [1], inRow: 1, locks: 0, lockedUntil: null, lastLockAt: null }
      await store.transaction(async (tx) => {
        for (const id of ['gone', 'kept']) {
          await addSubject(tx, id)
          await tx.enrolments.insert(enrolment(`e-${id}`, id))
          await tx.attempts.insert(attempt(`a-${id}`, { subjectId: id }))
          await tx.guesses.save(`subject:${id}`, guesses)
          await tx.guesses.save(`confirm:e-${id}`, guesses)
          await tx.guesses.save(`password:${id}@192.0.2.1`, guesses)
          await tx.guesses.save(`reset:${id}`, guesses)
          await tx.sessions.insert(
            session(`session-${id}`, id, { address: '192.0.2.1', userAgent: 'Firefox' }),
          )
          await tx.sessions.insert(session(`ended-${id}`, id, { revokedAt: 5 }))
          await tx.refreshTokens.insert(refreshToken(`token-${id}`, `session-${id}`))
          await tx.tickets.insert(ticket(`ticket-${id}`, { subjectId: id }))
          await tx.challenges.open(challenge(`challenge-${id}`, id))
          await tx.outbox.insert(outboxRow(`letter-${id}`, { subjectId: id }))
        }
        await tx.tickets.insert(ticket('ticket of nobody'))
        await tx.outbox.insert(outboxRow('letter of nobody'))
        expect(await tx.subjects.erase('gone', 50)).toBe(true)
        expect(await tx.subjects.erase('gone', 51)).toBe(false)
      })
      await store.read(async (tx) => {
        const left = async (id: string) => [
          await tx.subjects.find(id),
          await tx.subjects.findByAlias('shop', id),
          await tx.enrolments.find(`e-${id}`),
          await tx.attempts.find(`a-${id}`),
          await tx.guesses.find(`subject:${id}`),
          await tx.guesses.find(`confirm:e-${id}`),
          await tx.guesses.find(`password:${id}@192.0.2.1`),
          await tx.guesses.find(`reset:${id}`),
          await tx.refreshTokens.find(`token-${id}`),
          await tx.tickets.find(`ticket-${id}`),
          await tx.challenges.live(id, 'email', 20),
        ]
        expect(await left('gone')).toEqual(Array.from({ length: 11 }, () => null))
        expect(await left('kept')).not.toContain(null)
        expect(await tx.tickets.find('ticket of nobody')).not.toBeNull()
        expect(await tx.outbox.count()).toBe(2)
      })
    })

    it('leaves the sessions of an erased subject revoked and nobody’s, for other nodes to hear of', async () => {
      const other = await fresh()
      await other.transaction(async (tx) => {
        for (const id of ['erased', 'stays']) await addSubject(tx, id)
        const personal = { address: '192.0.2.1', userAgent: 'Firefox' }
        await tx.sessions.insert(session('in-force', 'erased', personal))
        await tx.sessions.insert(session('ended', 'erased', { ...personal, revokedAt: 20 }))
        await tx.sessions.insert(session('theirs', 'stays', personal))
        await tx.subjects.erase('erased', 30)
        expect(await tx.sessions.revokedSince(30)).toEqual(['in-force'])
        const nobodys = { subjectId: '', address: null, userAgent: null }
        expect(await tx.sessions.find('in-force')).toMatchObject({ ...nobodys, revokedAt: 30 })
        expect(await tx.sessions.find('ended')).toMatchObject({ ...nobodys, revokedAt: 20 })
        expect(await tx.sessions.find('theirs')).toEqual(session('theirs', 'stays', personal))
        expect(await tx.sessions.listBySubject('erased', 10)).toEqual([])
        expect(await tx.sessions.prune(2000, 9)).toBe(3)
      })
    })
  })
}
