import type { BundleSecret, Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'

const secret = (id: string, more: Partial<BundleSecret> = {}): BundleSecret => ({
  ...{ id, device: 'pump', technician: `${id}@example.org`, factor: 'totp', createdAt: 10 },
  ...{ sealed: { keyId: 'key-1', bytes: Uint8Array.of(0, 1, 254, 255) }, ...more },
})

export function describeBundles({ fresh }: Bench): void {
  describe('bundles of technicians', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
    })
    const next = (id: string, publicKey: string, atLeast = 1) =>
      store.transaction(({ bundles }) => bundles.nextSerial({ id, publicKey, atLeast, at: atLeast }))

    it('have serials that only rise, for the key that a gate is known with', async () => {
      expect(await store.read(({ bundles }) => bundles.findDevice('pump'))).toBeNull()
      const serials = []
      for (const atLeast of [100, 50, 101, 200]) serials.push(await next('pump', 'key', atLeast))
      expect(serials).toEqual([100, 101, 102, 200])
      expect(await next('pump', 'another')).toBeNull()
      expect(await next('other', 'another', 7)).toBe(7)
      expect(await store.read(({ bundles }) => bundles.findDevice('pump'))).toEqual({
        ...{ id: 'pump', publicKey: 'key', serial: 200, issuedAt: 200 },
      })
    })

    it('never have one serial twice, whoever asks at the same time', async () => {
      const serials = await Promise.all(Array.from({ length: 20 }, () => next('busy', 'key', 5)))
      expect(serials.toSorted((a, b) => a! - b!)).toEqual(Array.from({ length: 20 }, (_, n) => n + 5))
    })

    it('keep one secret of a kind for each technician at each gate', async () => {
      await next('pump', 'key')
      await store.transaction(async ({ bundles }) => {
        const [one, two] = [secret('a'), secret('b', { createdAt: 9 })]
        const paper = secret('c', { technician: one.technician, factor: 'backup', createdAt: 11 })
        for (const each of [one, two, paper]) expect(await bundles.insert(each)).toBe(true)
        expect(await bundles.insert(secret('d', { technician: one.technician }))).toBe(false)
        expect(await bundles.list('pump')).toEqual([two, one, paper])
        expect(await bundles.list('other')).toEqual([])
        expect([await bundles.remove('b'), await bundles.remove('b')]).toEqual([true, false])
        expect(await bundles.list('pump')).toEqual([one, paper])
      })
    })

    it('are sealed anew by key rotation', async () => {
      await next('rotated', 'key')
      await store.transaction(async ({ bundles }) => {
        await bundles.insert(
          secret('r', { device: 'rotated', sealed: { keyId: 'k-a', bytes: Uint8Array.of(1) } }),
        )
        const found = await bundles.sealedUnderOtherKeys('key-1', 10)
        const sealed = { keyId: 'k-a', bytes: Uint8Array.of(1) }
        expect(found).toEqual([
          { id: 'r', subject: 'gate rotated', purpose: 'totp of r@example.org', sealed },
        ])
        const fresh = { keyId: 'key-1', bytes: Uint8Array.of(2) }
        expect(await bundles.reseal('r', 'k-a', fresh)).toBe(true)
        expect((await bundles.list('rotated'))[0]?.sealed).toEqual(fresh)
      })
    })

    it('forget all that a gate had when another takes its place', async () => {
      await next('swapped', 'old')
      await store.transaction(async ({ bundles }) => {
        await bundles.insert(secret('s', { device: 'swapped' }))
        expect(await bundles.replaceDevice('swapped', 'old')).toBe(false)
        expect(await bundles.replaceDevice('nobody', 'new')).toBe(false)
        expect(await bundles.list('swapped')).toHaveLength(1)
        expect(await bundles.replaceDevice('swapped', 'new')).toBe(true)
        expect(await bundles.list('swapped')).toEqual([])
      })
      expect([await next('swapped', 'old'), await next('swapped', 'new')]).toEqual([null, 2])
    })
  })
}
