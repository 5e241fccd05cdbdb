import { describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, enrolment } from './samples.ts'

export function describeCredentials({ fresh }: Bench): void {
  describe('credentials', () => {
    it('belong to one enrolment of an application for as long as the subject is there', async () => {
      const store = await fresh()
      await store.transaction(async (tx) => {
        await addSubject(tx, 's')
        await tx.enrolments.insert(enrolment('first', 's'))
        await tx.enrolments.insert(enrolment('second', 's'))
        const credential = { application: 'shop', id: 'Ab_-', enrolmentId: 'first' }
        expect(await tx.credentials.insert(credential)).toBe(true)
        expect(await tx.credentials.insert({ ...credential, enrolmentId: 'second' })).toBe(false)
        // Of another spelling, or another application's: another one.
        expect(await tx.credentials.insert({ ...credential, id: 'aB_-', enrolmentId: 'second' })).toBe(true)
        expect(await tx.credentials.insert({ ...credential, application: 'mill' })).toBe(true)
        expect(await tx.credentials.find('shop', 'Ab_-')).toBe('first')
        expect(await tx.credentials.find('bank', 'Ab_-')).toBeNull()
        await tx.enrolments.revoke('first', 5)
        expect(await tx.credentials.find('shop', 'Ab_-')).toBe('first')
        await tx.subjects.erase('s', 6)
        expect(await tx.credentials.find('shop', 'Ab_-')).toBeNull()
      })
    })

    it('lock with their enrolment, once, while it is active, and keep what was noted', async () => {
      const store = await fresh()
      await store.transaction(async (tx) => {
        await addSubject(tx, 's')
        const settings = { sign_count: 7 }
        await tx.enrolments.insert(enrolment('active', 's', { status: 'active', settings }))
        await tx.enrolments.insert(enrolment('pending', 's'))
        expect(await tx.enrolments.lock('active', 5)).toBe(true)
        expect(await tx.enrolments.lock('active', 6)).toBe(false)
        expect(await tx.enrolments.lock('pending', 5)).toBe(false)
        expect(await tx.enrolments.lock('unknown', 5)).toBe(false)
        const locked = await tx.enrolments.find('active')
        expect(locked).toMatchObject({
          status: 'active',
          lastUsedAt: null,
          settings: { sign_count: 7, locked_at: 5 },
        })
      })
    })
  })
}
