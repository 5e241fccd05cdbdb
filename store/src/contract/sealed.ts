import type { SealedSecret, Store } from '@sallyport/core'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { addSubject, challenge, enrolment, outboxRow, validationClient, yubikey } from './samples.ts'

const secret = (keyId: string, ...bytes: number[]): SealedSecret => ({ keyId, bytes: Uint8Array.from(bytes) })

export function describeSealed({ fresh }: Bench): void {
  describe('enrolments', () => {
    let store: Store
    beforeAll(async () => {
      store = await fresh()
      await store.transaction((tx) => addSubject(tx, 's'))
    })

    it('keeps every field', async () => {
      const pending = enrolment('e-1', 's')
      const bare = enrolment('e-2', 's', {
        sealed: null,
        expiresAt: null,
        settings: { nested: [1, { a: 'ü\u0000' }] },
      })
      await store.transaction(async ({ enrolments }) => {
        await enrolments.insert(pending)
        await enrolments.insert(bare)
      })
      expect(await store.read(({ enrolments }) => enrolments.find('e-1'))).toEqual(pending)
      expect(await store.read(({ enrolments }) => enrolments.find('e-2'))).toEqual(bare)
      expect(await store.read(({ enrolments }) => enrolments.find('e-9'))).toBeNull()
    })

    it('lists oldest first, filtered', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 'lister')
        await tx.enrolments.insert(enrolment('l-2', 'lister', { createdAt: 2, status: 'active' }))
        await tx.enrolments.insert(enrolment('l-1', 'lister', { createdAt: 1, factor: 'backup' }))
      })
      await store.read(async ({ enrolments }) => {
        const ids = async (
          ...filter: Parameters<typeof enrolments.listBySubject> extends [unknown, ...infer F] ? F : never
        ) => (await enrolments.listBySubject('lister', ...filter)).map(({ id }) => id)
        expect(await ids()).toEqual(['l-1', 'l-2'])
        expect(await ids({ status: 'active' })).toEqual(['l-2'])
        expect(await ids({ factor: 'backup' })).toEqual(['l-1'])
        expect(await ids({ factor: 'backup', status: 'active' })).toEqual([])
      })
    })

    it('activates what is pending and not expired, with what it keeps', async () => {
      const keep = { sealed: secret('key-2', 9), settings: { drift: 1 } }
      await store.transaction(async ({ enrolments }) => {
        await enrolments.insert(enrolment('act', 's', { expiresAt: 100 }))
        expect(await enrolments.activate('act', 100, keep)).toBe(false)
        expect(await enrolments.activate('act', 99, keep)).toBe(true)
        expect(await enrolments.activate('act', 99, keep)).toBe(false)
        expect(await enrolments.activate('none', 99, keep)).toBe(false)
        const expected = enrolment('act', 's', {
          ...keep,
          status: 'active',
          confirmedAt: 99,
          expiresAt: null,
        })
        expect(await enrolments.find('act')).toEqual(expected)
      })
    })

    it('revokes once and destroys the secret', async () => {
      await store.transaction(async ({ enrolments }) => {
        await enrolments.insert(enrolment('rev', 's', { status: 'active' }))
        expect([await enrolments.revoke('rev', 5), await enrolments.revoke('rev', 6)]).toEqual([true, false])
        expect(await enrolments.find('rev')).toMatchObject({ status: 'revoked', revokedAt: 5, sealed: null })
        expect(await enrolments.activate('rev', 5, { sealed: null, settings: {} })).toBe(false)
      })
    })

    it('renames, and records uses of active ones only', async () => {
      await store.transaction(async ({ enrolments }) => {
        await enrolments.insert(enrolment('use', 's', { settings: { a: 1, b: 1 } }))
        expect(await enrolments.touch('use', 1)).toBe(false)
        expect(await enrolments.touch('use', 1, { a: 2 })).toBe(false)
        await enrolments.activate('use', 1, { sealed: null, settings: { a: 1, b: 1 } })
        expect(await enrolments.touch('use', 2, { b: 2, c: null })).toBe(true)
        expect(await enrolments.touch('use', 3)).toBe(true)
        expect([await enrolments.rename('use', 'Key'), await enrolments.rename('none', 'Key')]).toEqual([
          true,
          false,
        ])
        const expected = { name: 'Key', lastUsedAt: 3, settings: { a: 1, b: 2, c: null } }
        expect(await enrolments.find('use')).toMatchObject(expected)
      })
    })

    it('refuses an enrolment of nobody', async () => {
      const orphan = store.transaction(({ enrolments }) => enrolments.insert(enrolment('orphan', 'nobody')))
      await expect(orphan).rejects.toMatchObject({ code: 'store_conflict' })
    })
  })

  describe('key rotation', () => {
    let store: Store
    beforeEach(async () => {
      store = await fresh()
    })

    it('finds what is sealed under other keys and re-seals each row once', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 's')
        for (const [id, key] of [
          ['e-a', 'k-a'],
          ['e-b', 'k-b'],
          ['e-c', 'k-c'],
        ] as const) {
          await tx.enrolments.insert(enrolment(id, 's', { sealed: secret(key, 1) }))
        }
        await tx.enrolments.insert(enrolment('e-none', 's', { sealed: null }))
        expect(await tx.enrolments.sealedUnderOtherKeys('k-b', 1)).toHaveLength(1)
        const others = await tx.enrolments.sealedUnderOtherKeys('k-b', 10)
        expect(others.map(({ id }) => id).sort()).toEqual(['e-a', 'e-c'])
        const row = others.find(({ id }) => id === 'e-a')
        expect(row).toEqual({ id: 'e-a', subject: 's', purpose: 'totp', sealed: secret('k-a', 1) })
        expect(await tx.enrolments.reseal('e-a', 'k-a', secret('k-b', 2))).toBe(true)
        expect(await tx.enrolments.reseal('e-a', 'k-a', secret('k-b', 3))).toBe(false)
        expect((await tx.enrolments.find('e-a'))?.sealed).toEqual(secret('k-b', 2))
        expect(await tx.enrolments.countSealedUnder('k-b')).toBe(2)
        expect(await tx.enrolments.countSealedUnder('k-z')).toBe(0)
      })
    })

    it('does the same for the secrets of the installation', async () => {
      await store.transaction(async ({ secrets }) => {
        expect(await secrets.find('ledger')).toBeNull()
        expect(await secrets.insert('ledger', secret('k-a', 1, 2))).toBe(true)
        expect(await secrets.insert('ledger', secret('k-a', 3))).toBe(false)
        const [row] = await secrets.sealedUnderOtherKeys('k-b', 10)
        expect(row).toMatchObject({ id: 'ledger', subject: 'installation', purpose: 'ledger' })
        expect(await secrets.reseal('ledger', 'k-a', secret('k-b', 4))).toBe(true)
        expect(await secrets.find('ledger')).toEqual(secret('k-b', 4))
        expect(await secrets.sealedUnderOtherKeys('k-b', 10)).toEqual([])
        expect(await secrets.countSealedUnder('k-b')).toBe(1)
      })
    })

    it('does the same for challenges and letters', async () => {
      await store.transaction(async (tx) => {
        await addSubject(tx, 's')
        await tx.challenges.open(challenge('row', 's', { sealed: secret('k-a', 1) }))
        await tx.outbox.insert(outboxRow('row', { subjectId: 's', sealed: secret('k-a', 1) }))
        const bound = { challenges: ['s', 'challenge'], outbox: ['outbox', 'letter'] } as const
        for (const name of ['challenges', 'outbox'] as const) {
          const port = tx[name]
          const [subject, purpose] = bound[name]
          const row = { id: 'row', subject, purpose, sealed: secret('k-a', 1) }
          expect(await port.sealedUnderOtherKeys('k-b', 10)).toEqual([row])
          expect(await port.reseal('row', 'k-a', secret('k-b', 2))).toBe(true)
          expect(await port.reseal('row', 'k-a', secret('k-b', 3))).toBe(false)
          expect(await port.sealedUnderOtherKeys('k-b', 10)).toEqual([])
          expect([await port.countSealedUnder('k-a'), await port.countSealedUnder('k-b')]).toEqual([0, 1])
        }
        expect((await tx.challenges.live('s', 'email', 20))?.sealed).toEqual(secret('k-b', 2))
        expect((await tx.outbox.claim(20, 30, 1))[0]?.sealed).toEqual(secret('k-b', 2))
      })
    })

    it('does the same for YubiKeys and the clients that have them validated', async () => {
      await store.transaction(async (tx) => {
        await tx.yubikeys.insert(yubikey('row', { sealed: secret('k-a', 1) }))
        await tx.validationClients.insert(validationClient('row', { sealed: secret('k-a', 1) }))
        const bound = { yubikeys: 'yubikey', validationClients: 'validation client' } as const
        for (const name of ['yubikeys', 'validationClients'] as const) {
          const row = { id: 'row', subject: bound[name], purpose: 'row', sealed: secret('k-a', 1) }
          expect(await tx[name].sealedUnderOtherKeys('k-b', 10)).toEqual([row])
          expect(await tx[name].reseal('row', 'k-a', secret('k-b', 2))).toBe(true)
          expect(await tx[name].reseal('row', 'k-a', secret('k-b', 3))).toBe(false)
          expect((await tx[name].find('row'))?.sealed).toEqual(secret('k-b', 2))
          expect([await tx[name].countSealedUnder('k-a'), await tx[name].countSealedUnder('k-b')]).toEqual([
            0, 1,
          ])
        }
      })
    })

    it('walks a ring key through its states and destroys a retired one', async () => {
      const key = {
        id: 'k',
        wrapped: Uint8Array.of(7),
        status: 'active',
        createdAt: 2,
        retiredAt: null,
      } as const
      await store.transaction(async ({ vaultKeys }) => {
        expect([await vaultKeys.insert(key), await vaultKeys.insert(key)]).toEqual([true, false])
        await vaultKeys.insert({ ...key, id: 'older', createdAt: 1 })
        expect(await vaultKeys.setStatus('k', 'retiring', 'retired', 5)).toBe(false)
        expect(await vaultKeys.setStatus('k', 'active', 'retiring', 5)).toBe(true)
        expect((await vaultKeys.list())[1]).toEqual({ ...key, status: 'retiring' })
        expect(await vaultKeys.setStatus('k', 'retiring', 'retired', 6)).toBe(true)
        const [older, retired] = await vaultKeys.list()
        expect(older?.id).toBe('older')
        expect(retired).toEqual({ ...key, wrapped: null, status: 'retired', retiredAt: 6 })
      })
    })
  })
}
