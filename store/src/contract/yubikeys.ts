import type { Store } from '@sallyport/core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { validationClient, yubikey } from './samples.ts'

export function describeYubikeys({ fresh }: Bench): void {
  describe('YubiKeys', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
    })

    it('are kept by their public ids, each once, and removed', async () => {
      const [one, two] = [yubikey('cccccckdvvul', { serial: '4711' }), yubikey('dlcfffckrcde')]
      await store.transaction(async ({ yubikeys }) => {
        expect([await yubikeys.insert(two), await yubikeys.insert(one)]).toEqual([true, true])
        expect(await yubikeys.insert({ ...one, serial: 'another' })).toBe(false)
        expect(await yubikeys.find(one.publicId)).toEqual(one)
        const first = await yubikeys.list({ limit: 1 })
        const second = await yubikeys.list({ limit: 1, after: first.next })
        expect([...first.items, ...second.items, second.next]).toEqual([one, two, null])
        expect([await yubikeys.remove(one.publicId), await yubikeys.remove(one.publicId)]).toEqual([
          true,
          false,
        ])
        expect(await yubikeys.find(one.publicId)).toBeNull()
      })
    })

    it('are validated for clients, who are kept by their ids', async () => {
      const client = validationClient('123456789')
      await store.transaction(async ({ validationClients }) => {
        expect(await validationClients.insert(client)).toBe(true)
        expect(await validationClients.insert({ ...client, name: 'another' })).toBe(false)
        expect(await validationClients.find(client.id)).toEqual(client)
        expect(await validationClients.list({ limit: 1 })).toEqual({ items: [client], next: null })
        expect([
          await validationClients.remove(client.id),
          await validationClients.remove(client.id),
        ]).toEqual([true, false])
        expect(await validationClients.find(client.id)).toBeNull()
      })
    })
  })
}
