import type { Store, Tx } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from '../contract.ts'
import { addSubject, attempt, enrolment, fakeLinker, record, subject, winners } from './samples.ts'

const none = { recent: [], inRow: 0, locks: 0, lockedUntil: null, lastLockAt: null }

export function describeRaces({ pair }: Bench): void {
  describe('64 callers on two nodes', () => {
    let stores: [Store, Store]
    beforeAll(async () => {
      stores = await pair()
      for (const store of stores) store.attachLedger(fakeLinker)
      await stores[0].transaction(async (tx) => {
        await addSubject(tx, 's')
        await tx.attempts.insert(attempt('raced'))
        await tx.enrolments.insert(enrolment('raced', 's'))
        await tx.enrolments.insert(enrolment('revoked', 's', { status: 'active' }))
        await tx.secrets.insert('raced', { keyId: 'old', bytes: Uint8Array.of(1) })
        await tx.vaultKeys.insert({ id: 'v', wrapped: null, status: 'active', createdAt: 1, retiredAt: null })
      })
    })

    const races: [string, (tx: Tx, index: number) => Promise<boolean>][] = [
      ['spend', ({ once }) => once.spend('raced')],
      ['raise', ({ once }) => once.raise('raced', 5)],
      [
        'replace',
        ({ attempts }, index) => attempts.replace(attempt('raced', { revision: 2, cursor: index })),
      ],
      ['activate', ({ enrolments }) => enrolments.activate('raced', 5, { sealed: null, settings: {} })],
      ['revoke', ({ enrolments }) => enrolments.revoke('revoked', 5)],
      [
        'take an alias',
        ({ subjects }, index) => subjects.insert(subject(`s-${index}`), [`x-${index}`, 'raced']),
      ],
      ['take a setting', ({ settings }, index) => settings.insert('raced', String(index))],
      ['re-seal', ({ secrets }) => secrets.reseal('raced', 'old', { keyId: 'new', bytes: Uint8Array.of(2) })],
      ['change a key’s status', ({ vaultKeys }) => vaultKeys.setStatus('v', 'active', 'retiring', 5)],
    ]
    it.each(races)('%s: exactly one succeeds', async (_, race) => {
      const call = (index: number) => stores[index % 2]!.transaction((tx) => race(tx, index))
      expect(await winners(64, call)).toBe(1)
    })

    it('counts every guess, the very first ones of a subject too', async () => {
      const guess = (index: number) =>
        stores[index % 2]!.transaction(async ({ guesses }) => {
          const stored = (await guesses.lock('raced')) ?? none
          await guesses.save('raced', { ...stored, inRow: stored.inRow + 1 })
          return true
        })
      await winners(64, guess)
      expect((await stores[0].read(({ guesses }) => guesses.find('raced')))?.inRow).toBe(64)
    })

    it('lets one caller at a time past the lock, also while others clear the record', async () => {
      let inside = 0
      let most = 0
      const guess = (index: number) =>
        stores[index % 2]!.transaction(async ({ guesses }) => {
          const stored = await guesses.lock('cleared')
          most = Math.max(most, ++inside)
          if (stored) await guesses.clear('cleared')
          else await guesses.save('cleared', { ...none, inRow: 1 })
          inside--
          return true
        })
      await winners(64, guess)
      expect(most).toBe(1)
    })

    it('loses no setting that two uses remember at once', async () => {
      await stores[0].transaction((tx) =>
        tx.enrolments.insert(enrolment('merged', 's', { status: 'active', settings: {} })),
      )
      const touch = (index: number) =>
        stores[index % 2]!.transaction(({ enrolments }) =>
          enrolments.touch('merged', index, { [`use${index}`]: index }),
        )
      expect(await winners(64, touch)).toBe(64)
      const merged = await stores[1].read(({ enrolments }) => enrolments.find('merged'))
      expect(Object.keys(merged!.settings)).toHaveLength(64)
    })

    it('links the records of both into one unbroken chain', async () => {
      const appendTwo = (index: number) =>
        stores[index % 2]!.transaction(async ({ ledger }) => {
          ledger.append(record('first', { subject: `s-${index}` }))
          ledger.append(record('second', { subject: `s-${index}` }))
          return true
        })
      await winners(64, appendTwo)
      const entries = await stores[0].read(({ ledger }) => ledger.entries(0, 1000))
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 128 }, (_, index) => index + 1))
      let prev = 'genesis'
      for (const [index, entry] of entries.entries()) {
        const body = JSON.parse(entry.body)
        expect([body.prev, body.type]).toEqual([prev, index % 2 === 0 ? 'first' : 'second'])
        prev = entry.hash
      }
      expect((await stores[1].read(({ ledger }) => ledger.head()))?.hash).toBe(prev)
    })
  })
}
