import { describe, expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { namedSecret } from './named-secret.ts'
import { RETIRE_AFTER, type RotationProgress, retireUnusedKeys, rotateKeys } from './rotate-keys.ts'
import { createFakeStore, Died, fakeResealables as resealables } from './testing/fake-store.ts'
import { openVault, SEAL_LEASE, type Vault } from './vault.ts'

const random = systemRandom
const masterKey = Buffer.alloc(32, 0x4d)

async function setUp(rows = 0) {
  const clock = { time: 1_000_000_000, now: () => clock.time }
  const fake = createFakeStore()
  const { store } = fake
  const openNode = () => openVault({ store, masterKey, clock, random })
  const vault = await openNode()
  const put = (id: string, by: Vault = vault) => {
    const binding = { subject: `subject ${id}`, purpose: 'totp' }
    fake.put({ id, ...binding, sealed: by.seal({ ...binding, plaintext: Buffer.from(`secret ${id}`) }) })
  }
  for (let i = 0; i < rows; i++) put(`${i}`)
  await namedSecret({ store, vault, name: 'ledger', make: () => Buffer.from('ledger key') })
  const rotate = (by: Vault, onProgress: (progress: RotationProgress) => void = () => {}) =>
    rotateKeys({ store, vault: by, clock, resealables, batch: 2, onProgress })
  const retire = () => retireUnusedKeys({ store, clock, resealables })
  const statuses = () => fake.state.keys.map(({ status }) => status)
  /** Everything opens on this node, to what it was. */
  const expectIntact = async (by: Vault) => {
    for (const { id, subject, purpose, sealed } of fake.state.rows.values()) {
      expect(Buffer.from(await by.open({ subject, purpose, sealed })).toString()).toBe(`secret ${id}`)
    }
    const make = () => expect.unreachable('the secret is there')
    const ledger = await namedSecret({ store, vault: by, name: 'ledger', make })
    expect(Buffer.from(ledger).toString()).toBe('ledger key')
  }
  const sealedUnder = () => new Set([...fake.state.rows.values()].map(({ sealed }) => sealed.keyId))
  return { clock, fake, store, openNode, vault, put, rotate, retire, statuses, expectIntact, sealedUnder }
}

describe('rotation', () => {
  it('seals everything anew under a new key, and says how far it is', async () => {
    const { vault, rotate, statuses, expectIntact, sealedUnder } = await setUp(5)
    const old = vault.activeKeyId
    const progress: RotationProgress[] = []
    const result = await rotate(vault, (step) => progress.push(step))
    expect(result).toEqual({
      keyId: vault.activeKeyId,
      resumed: false,
      resealed: 6,
      unreadable: [],
      retired: [],
    })
    expect(vault.activeKeyId).not.toBe(old)
    expect(sealedUnder()).toEqual(new Set([vault.activeKeyId]))
    expect(statuses()).toEqual(['retiring', 'active'])
    expect(progress).toEqual([0, 2, 4, 5, 6].map((done) => ({ done, total: 6 })))
    await expectIntact(vault)
  })

  it('works on an empty vault', async () => {
    const { vault, rotate } = await setUp()
    expect(await rotate(vault)).toMatchObject({ resealed: 1 })
    expect(await rotate(vault)).toMatchObject({ resumed: false, resealed: 1 })
  })

  it.each(['write', 'committed'] as const)('goes on after dying at any %s', async (moment) => {
    let deaths = 0
    for (let dieAt = 1; ; dieAt++) {
      const { fake, vault, openNode, rotate, statuses, expectIntact, sealedUnder } = await setUp(5)
      let count = 0
      fake.faults[moment] = () => {
        if (++count === dieAt) throw new Died()
      }
      const death = await rotate(vault).then(
        () => null,
        (error: unknown) => error,
      )
      if (death) expect(death).toBeInstanceOf(Died)
      await expectIntact(await openNode())
      // A new process, as after kill -9. A rotation that had ended is not in progress, nor one never begun.
      const markedBefore = fake.state.settings.get('vault.rotation')
      const node = await openNode()
      if (markedBefore) expect(await rotate(node)).toMatchObject({ resumed: true, unreadable: [] })
      else if (fake.state.keys.length === 1) expect(await rotate(node)).toMatchObject({ resumed: false })
      expect(statuses()).toEqual(['retiring', 'active'])
      expect(sealedUnder()).toEqual(new Set([node.activeKeyId]))
      await expectIntact(node)
      await expectIntact(vault)
      if (!death) break
      deaths++
    }
    expect(deaths).toBeGreaterThan(4)
  })

  it('is one rotation when several begin at once', async () => {
    const { vault, openNode, rotate, statuses, expectIntact } = await setUp(9)
    const nodes = [vault, await openNode(), await openNode()]
    const results = await Promise.all(nodes.map((node) => rotate(node)))
    expect(results.filter(({ resumed }) => !resumed)).toHaveLength(1)
    expect(results.reduce((sum, { resealed }) => sum + resealed, 0)).toBe(10)
    expect(statuses()).toEqual(['retiring', 'active'])
    for (const node of nodes) await expectIntact(node)
  })

  it('ends although a later rotation begins while it runs', async () => {
    const { vault, openNode, rotate, expectIntact, sealedUnder } = await setUp(9)
    const other = await openNode()
    let later: Promise<unknown> | null = null
    await rotate(vault, ({ done }) => {
      if (done >= 4) later ??= rotate(other).then(() => rotate(other))
    })
    await later
    expect(sealedUnder()).toEqual(new Set([other.activeKeyId]))
    await expectIntact(vault)
  })

  it('lets other nodes seal and open all the while', async () => {
    const { vault, openNode, put, rotate, expectIntact, fake } = await setUp(7)
    const other = await openNode()
    let added = 0
    await rotate(vault, () => {
      if (added < 8) put(`added ${added++}`, other)
    })
    expect(added).toBe(8)
    await expectIntact(vault)
    await expectIntact(other)
    await rotate(other)
    expect(new Set([...fake.state.rows.values()].map(({ sealed }) => sealed.keyId)).size).toBe(1)
  })

  it('leaves a secret alone that was replaced or destroyed meanwhile', async () => {
    const { fake, vault, put, rotate, expectIntact } = await setUp(6)
    await rotate(vault, ({ done }) => {
      if (done !== 2) return
      fake.state.rows.delete('3')
      put('4')
    })
    expect([...fake.state.rows.keys()]).toEqual(['0', '1', '2', '4', '5'])
    await expectIntact(vault)
  })

  it('passes over what does not open, names it, and never retires its key', async () => {
    const { clock, fake, vault, rotate, retire, statuses } = await setUp(8)
    for (const id of ['0', '1', '2', '5']) fake.state.rows.get(id)!.sealed.bytes[40]! ^= 1
    fake.state.rows.get('6')!.sealed.keyId = 'nobody'
    const result = await rotate(vault)
    expect(result).toMatchObject({ resealed: 4, unreadable: ['0', '1', '2', '5', '6'] })
    clock.time += 10 * RETIRE_AFTER
    expect(await retire()).toEqual([])
    expect(statuses()).toEqual(['retiring', 'active'])
  })

  it('stops at a store that fails, rather than passing rows over', async () => {
    const { fake, vault, rotate } = await setUp(3)
    fake.faults.write = () => {
      throw new Died()
    }
    await expect(rotate(vault)).rejects.toBeInstanceOf(Died)
  })
})

describe('retirement', () => {
  it('waits until no node can seal under the old key, then destroys it', async () => {
    const { clock, fake, vault, rotate, retire, statuses, expectIntact } = await setUp(3)
    const old = vault.activeKeyId
    await rotate(vault)
    clock.time += RETIRE_AFTER - 1
    expect(await retire()).toEqual([])
    clock.time += 1
    expect(await retire()).toEqual([old])
    expect(await retire()).toEqual([])
    expect(statuses()).toEqual(['retired', 'active'])
    expect(fake.state.keys[0]).toMatchObject({ wrapped: null, retiredAt: clock.time })
    await expectIntact(vault)
    await vault.reload()
    await expectIntact(vault)
  })

  it('never loses what a node sealed that had not heard of the rotation', async () => {
    const { clock, vault, openNode, put, rotate, retire, expectIntact } = await setUp(3)
    const stale = await openNode()
    await rotate(vault)
    // The last moment at which the stale node still seals: its first use after a day of silence.
    clock.time += SEAL_LEASE
    put('late', stale)
    clock.time += RETIRE_AFTER
    expect(await retire()).toEqual([])
    await expectIntact(vault)
    // Past the lease a node that has heard nothing does not seal at all.
    clock.time += SEAL_LEASE
    expect(() => put('too late', stale)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
  })

  it('happens at the next rotation as well, and keeps the keys that are needed', async () => {
    const { clock, vault, rotate, statuses, expectIntact } = await setUp(3)
    const first = vault.activeKeyId
    await rotate(vault)
    clock.time += RETIRE_AFTER
    expect(await rotate(vault)).toMatchObject({ retired: [first], resumed: false })
    expect(statuses()).toEqual(['retired', 'retiring', 'active'])
    await expectIntact(vault)
  })

  it('is not hurried by a clock set back', async () => {
    const { clock, vault, rotate, retire } = await setUp(1)
    await rotate(vault)
    clock.time -= 100 * RETIRE_AFTER
    expect(await retire()).toEqual([])
  })
})
