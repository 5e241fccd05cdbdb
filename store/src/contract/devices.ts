import type { Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, device, winners } from './samples.ts'

export function describeDevices({ fresh }: Bench): void {
  let store: Store
  beforeAll(async () => {
    store = await fresh()
  })

  describe('trusted devices', () => {
    it('keep every field and what their last use changes', async () => {
      const full = device('full', 'keeper', { address: '2001:db8::1', browser: 'Ü 🗝', revokedAt: 12 })
      await store.transaction(async (tx) => {
        await addSubject(tx, 'keeper')
        await tx.devices.insert(full)
        await tx.devices.insert(device('bare', 'keeper'))
        expect(await tx.devices.find('full')).toEqual(full)
        expect(await tx.devices.find('none')).toBeNull()
        expect(await tx.devices.touch('full', { at: 20, address: null })).toBe(false)
        expect(await tx.devices.touch('bare', { at: 20, address: '192.0.2.1' })).toBe(true)
        const used = device('bare', 'keeper', { lastUsedAt: 20, address: '192.0.2.1' })
        expect(await tx.devices.find('bare')).toEqual(used)
      })
    })

    it('are listed while in force, newest first, and revoked once', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'lister')
        await tx.devices.insert(device('d-old', 'lister', { createdAt: 1, expiresAt: 50 }))
        await tx.devices.insert(device('d-new', 'lister', { createdAt: 9 }))
        await tx.devices.insert(device('d-mid', 'lister', { createdAt: 5 }))
        const ids = async (now: number) => (await tx.devices.listBySubject('lister', now)).map(({ id }) => id)
        expect(await ids(49)).toEqual(['d-new', 'd-mid', 'd-old'])
        expect(await ids(50)).toEqual(['d-new', 'd-mid'])
        expect([await tx.devices.revoke('d-new', 30), await tx.devices.revoke('d-new', 31)]).toEqual([
          true,
          false,
        ])
        expect(await tx.devices.revokeAll('lister', 32)).toBe(2)
        expect(await ids(0)).toEqual([])
      })
    })

    it('have tokens that one of many uses', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'user')
        await tx.devices.insert(device('raced', 'user'))
        await tx.devices.insertToken({ hash: 'token', deviceId: 'raced', usedAt: null })
      })
      const use = () => store.transaction((tx) => tx.devices.useToken('token', 20))
      expect(await winners(16, use)).toBe(1)
      const kept = await store.read((tx) => tx.devices.findToken('token'))
      expect(kept).toEqual({ hash: 'token', deviceId: 'raced', usedAt: 20 })
      expect(await store.read((tx) => tx.devices.findToken('none'))).toBeNull()
    })

    it('go with their subject, or once they expired, and their tokens with them', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'leaver')
        for (const expiresAt of [1, 2, 3]) {
          await tx.devices.insert(device(`old-${expiresAt}`, 'leaver', { expiresAt }))
          await tx.devices.insertToken({
            hash: `of ${expiresAt}`,
            deviceId: `old-${expiresAt}`,
            usedAt: null,
          })
        }
        expect([await tx.devices.prune(3, 1), await tx.devices.prune(3, 9)]).toEqual([1, 1])
        expect(await tx.devices.findToken('of 1')).toBeNull()
        await tx.subjects.erase('leaver', 9)
        expect(await tx.devices.find('old-3')).toBeNull()
        expect(await tx.devices.findToken('of 3')).toBeNull()
      })
    })
  })
}
