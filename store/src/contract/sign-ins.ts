import type { KeptSignIn, Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, winners } from './samples.ts'

function signIn(id: string, subjectId: string, more: Partial<KeptSignIn> = {}): KeptSignIn {
  return {
    ...{ id, subjectId, at: 10, network: '192.0.2.1', place: null, device: 'Firefox on Linux' },
    ...{ score: 0, reasons: [], completedAt: null, ...more },
  }
}

export function describeSignIns({ fresh }: Bench): void {
  let store: Store
  beforeAll(async () => {
    store = await fresh()
  })

  describe('sign-ins kept', () => {
    it('keep every field, and are listed newest first', async () => {
      const full = signIn('full', 'keeper', {
        ...{ at: 20, network: '2001:db8::/64', device: 'Ü 🗝', score: 55, completedAt: 21 },
        place: { country: 'NL', latitude: 52.37, longitude: 4.9 },
        reasons: [{ reason: 'new_country', points: 25 }],
      })
      await store.transaction(async (tx) => {
        await addSubject(tx, 'keeper')
        await tx.signIns.insert(signIn('bare', 'keeper'))
        await tx.signIns.insert(full)
        expect(await tx.signIns.listBySubject('keeper', 9)).toEqual([full, signIn('bare', 'keeper')])
        expect(await tx.signIns.listBySubject('keeper', 1)).toEqual([full])
        expect(await tx.signIns.listBySubject('keeper', 9, { completed: true })).toEqual([full])
        expect(await tx.signIns.listBySubject('nobody', 9)).toEqual([])
      })
    })

    it('are completed by one of many', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'racer')
        await tx.signIns.insert(signIn('raced', 'racer'))
      })
      expect(await winners(16, () => store.transaction((tx) => tx.signIns.complete('raced', 30)))).toBe(1)
      expect(await store.transaction((tx) => tx.signIns.complete('none', 30))).toBe(false)
    })

    it('that were only begun push none out that were completed', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'flooded')
        for (const at of [1, 2, 3])
          await tx.signIns.insert(signIn(`done-${at}`, 'flooded', { at, completedAt: at }))
        for (const at of [4, 5, 6]) await tx.signIns.insert(signIn(`begun-${at}`, 'flooded', { at }))
        await tx.signIns.trim('flooded', { completed: 2, begun: 1 })
        const left = await tx.signIns.listBySubject('flooded', 9)
        expect(left.map(({ id }) => id)).toEqual(['begun-6', 'done-3', 'done-2'])
        await tx.subjects.erase('flooded', 9)
        expect(await tx.signIns.listBySubject('flooded', 9)).toEqual([])
      })
    })
  })
}
