import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemRandom } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { SealedSecret } from '../store.ts'
import { namedSecret } from './named-secret.ts'
import { rotateKeys } from './rotate-keys.ts'
import { createFakeStore, fakeResealables } from './testing/fake-store.ts'
import { openVault, SEAL_LEASE } from './vault.ts'

const random = systemRandom
const masterKey = Buffer.alloc(32, 0x4d)
const SECRET = { subject: 'alice', purpose: 'totp' }

async function setUp() {
  const clock = { time: 1_000_000_000, now: () => clock.time }
  const fake = createFakeStore()
  const openNode = (key: Uint8Array = masterKey) =>
    openVault({ store: fake.store, masterKey: key, clock, random })
  return { clock, fake, openNode, vault: await openNode() }
}

async function failure(promise: Promise<unknown>): Promise<SallyportError> {
  const error = await promise.then(
    () => expect.unreachable('must fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SallyportError)
  return error as SallyportError
}

const codeOf = async (promise: Promise<unknown>) => (await failure(promise)).code

function flipped(sealed: SealedSecret, at: number, mask: number): SealedSecret {
  const bytes = Uint8Array.from(sealed.bytes)
  bytes[at]! ^= mask
  return { ...sealed, bytes }
}

describe('sealing', () => {
  it('opens to what was sealed, whatever the subject, purpose and text, on every node', async () => {
    const { vault, openNode } = await setUp()
    const other = await openNode()
    const name = fc.string({ unit: 'binary' })
    await fc.assert(
      fc.asyncProperty(name, name, fc.uint8Array({ maxLength: 300 }), async (subject, purpose, plaintext) => {
        const sealed = vault.seal({ subject, purpose, plaintext })
        expect(Buffer.from(await other.open({ subject, purpose, sealed }))).toEqual(Buffer.from(plaintext))
      }),
    )
  })

  it('binds subject and purpose, so that no two pairs open one another', async () => {
    const { vault } = await setUp()
    // Names from few parts, so that pairs whose names join to the same text are common.
    const name = fc.array(fc.constantFrom('a', 'b', '\0', '\ud800', '\ufffd', 'A', ' '), { maxLength: 3 })
    const binding = fc.record({ subject: name.map((s) => s.join('')), purpose: name.map((s) => s.join('')) })
    await fc.assert(
      fc.asyncProperty(binding, binding, async (one, two) => {
        fc.pre(one.subject !== two.subject || one.purpose !== two.purpose)
        const sealed = vault.seal({ ...one, plaintext: Buffer.from('x') })
        expect(await codeOf(vault.open({ ...two, sealed }))).toBe('vault_sealed_damaged')
      }),
      { numRuns: 1000 },
    )
    const sealed = vault.seal({ ...SECRET, plaintext: Buffer.from('x') })
    for (const wrong of [
      { subject: 'bob', purpose: 'totp' },
      { subject: 'alice', purpose: 'backup' },
      { subject: 'totp', purpose: 'alice' },
      { subject: 'alicet', purpose: 'otp' },
      { subject: 'Alice', purpose: 'totp' },
    ]) {
      expect(await codeOf(vault.open({ ...wrong, sealed }))).toBe('vault_sealed_damaged')
    }
  })

  it('notices every flipped bit, every cut and everything added', async () => {
    const { vault } = await setUp()
    const sealed = vault.seal({ ...SECRET, plaintext: Buffer.alloc(20, 1) })
    expect(sealed.bytes).toHaveLength(1 + 16 + 12 + 20 + 16)
    for (let at = 0; at < sealed.bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = flipped(sealed, at, 1 << bit)
        expect(await codeOf(vault.open({ ...SECRET, sealed: damaged }))).toBe('vault_sealed_damaged')
      }
      const cut = { ...sealed, bytes: sealed.bytes.subarray(0, at) }
      expect(await codeOf(vault.open({ ...SECRET, sealed: cut }))).toBe('vault_sealed_damaged')
    }
    for (const extra of [1, 16, 1_000_000]) {
      const longer = { ...sealed, bytes: Buffer.concat([sealed.bytes, Buffer.alloc(extra)]) }
      expect(await codeOf(vault.open({ ...SECRET, sealed: longer }))).toBe('vault_sealed_damaged')
    }
  })

  it('never uses a salt or a nonce twice', async () => {
    const { vault } = await setUp()
    const salts = new Set<string>()
    const nonces = new Set<string>()
    for (let i = 0; i < 10_000; i++) {
      const bytes = Buffer.from(vault.seal({ ...SECRET, plaintext: Buffer.from('same') }).bytes)
      salts.add(bytes.toString('hex', 1, 17))
      nonces.add(bytes.toString('hex', 17, 29))
    }
    expect(salts.size).toBe(10_000)
    expect(nonces.size).toBe(10_000)
  })

  it('takes an empty secret and one of a megabyte', async () => {
    const { vault } = await setUp()
    for (const plaintext of [Buffer.alloc(0), Buffer.alloc(1_000_000, 7)]) {
      const opened = await vault.open({ ...SECRET, sealed: vault.seal({ ...SECRET, plaintext }) })
      expect(Buffer.from(opened).equals(plaintext)).toBe(true)
    }
  })
})

describe('opening a vault', () => {
  it('makes one ring key, however many nodes start at once', async () => {
    const clock = { now: () => 5 }
    const fake = createFakeStore()
    const nodes = await Promise.all(
      Array.from({ length: 8 }, () => openVault({ store: fake.store, masterKey, clock, random })),
    )
    expect(fake.state.keys).toHaveLength(1)
    expect(new Set(nodes.map((node) => node.activeKeyId))).toEqual(new Set([fake.state.keys[0]!.id]))
    const sealed = nodes[0]!.seal({ ...SECRET, plaintext: Buffer.from('x') })
    for (const node of nodes) expect(Buffer.from(await node.open({ ...SECRET, sealed })).toString()).toBe('x')
  })

  it('survives dying at any write of the first start', async () => {
    for (let dieAt = 1; ; dieAt++) {
      const fake = createFakeStore()
      let writes = 0
      fake.faults.write = () => {
        if (++writes === dieAt) throw new Error('died')
      }
      const options = { store: fake.store, masterKey, clock: { now: () => 5 }, random }
      const died = await openVault(options).then(
        () => false,
        () => true,
      )
      await openVault(options)
      expect(fake.state.keys).toHaveLength(1)
      if (!died) {
        expect(dieAt).toBeGreaterThan(2)
        break
      }
    }
  })

  it('finds a wrong master key at once, and says what to check', async () => {
    const { openNode, fake } = await setUp()
    const before = inspect(fake.state, { depth: 9 })
    const error = await failure(openNode(Buffer.alloc(32, 0x4e)))
    expect(error.code).toBe('vault_wrong_key')
    expect(error.message).toMatch(/check that the key file, passphrase or key command/)
    expect(inspect(fake.state, { depth: 9 })).toBe(before)
    for (const length of [0, 16, 31, 33]) {
      expect(await codeOf(openNode(Buffer.alloc(length)))).toBe('invalid_input')
    }
  })

  it('tells a damaged ring key from a wrong master key', async () => {
    const { openNode, vault, fake } = await setUp()
    fake.state.keys.push({ ...vault.newRingKey(), id: 'swapped', status: 'retiring' })
    const error = await failure(openNode())
    expect(error.code).toBe('vault_sealed_damaged')
    expect(error.message).toContain('swapped')
  })

  it('refuses a ring with no active key rather than making another', async () => {
    const { openNode, fake } = await setUp()
    fake.state.keys.length = 0
    expect(await codeOf(openNode())).toBe('store_damaged')
  })

  it('keeps its own copy of the master key', async () => {
    const { fake, clock } = await setUp()
    const mine = Buffer.from(masterKey)
    const vault = await openVault({ store: fake.store, masterKey: mine, clock, random })
    mine.fill(0)
    await vault.reload()
    expect(vault.seal({ ...SECRET, plaintext: Buffer.from('x') }).keyId).toBe(vault.activeKeyId)
  })
})

describe('a node among others', () => {
  it('learns a key it does not know by reading the ring once', async () => {
    const { vault, openNode, fake, clock } = await setUp()
    const other = await openNode()
    const { store } = fake
    await rotateKeys({ store, vault: other, clock, resealables: fakeResealables })
    const sealed = other.seal({ ...SECRET, plaintext: Buffer.from('x') })
    const reads = fake.reads
    await Promise.all(Array.from({ length: 50 }, () => vault.open({ ...SECRET, sealed })))
    expect(fake.reads - reads).toBe(1)
    expect(vault.activeKeyId).toBe(other.activeKeyId)
  })

  it('learns a key that was stored while it was reading the ring', async () => {
    const { vault, openNode, fake, clock } = await setUp()
    const other = await openNode()
    const early = vault.reload()
    await rotateKeys({ store: fake.store, vault: other, clock, resealables: fakeResealables })
    const sealed = other.seal({ ...SECRET, plaintext: Buffer.from('x') })
    const opened = vault.open({ ...SECRET, sealed })
    await early
    expect(Buffer.from(await opened).toString()).toBe('x')
  })

  it('says when nobody knows the key', async () => {
    const { vault } = await setUp()
    const sealed = { ...vault.seal({ ...SECRET, plaintext: Buffer.from('x') }), keyId: 'nobody' }
    expect(await codeOf(vault.open({ ...SECRET, sealed }))).toBe('vault_key_unknown')
  })

  it('reads the ring again in use, and does not seal when it has not read it for a day', async () => {
    const { vault, openNode, fake, clock } = await setUp()
    const other = await openNode()
    const { store } = fake
    await rotateKeys({ store, vault: other, clock, resealables: fakeResealables })
    const seal = () => vault.seal({ ...SECRET, plaintext: Buffer.from('x') })
    expect(seal().keyId).not.toBe(other.activeKeyId)
    clock.time += 2 * 60_000
    seal()
    await store.read(async () => {})
    expect(seal().keyId).toBe(other.activeKeyId)

    for (const jump of [SEAL_LEASE + 1, -SEAL_LEASE - 1]) {
      clock.time += jump
      expect(seal).toThrow(expect.objectContaining({ code: 'store_unavailable' }))
      await vault.reload()
      expect(seal().keyId).toBe(other.activeKeyId)
    }
  })

  it('goes on opening when the ring cannot be read', async () => {
    const { vault, fake, clock } = await setUp()
    const sealed = vault.seal({ ...SECRET, plaintext: Buffer.from('x') })
    clock.time += 5 * 60_000
    fake.store.read = () => Promise.reject(new Error('the database is away'))
    for (let i = 0; i < 3; i++)
      expect(Buffer.from(await vault.open({ ...SECRET, sealed })).toString()).toBe('x')
  })

  it('opens and seals nothing once destroyed, even with a reading under way', async () => {
    const { vault } = await setUp()
    const sealed = vault.seal({ ...SECRET, plaintext: Buffer.from('x') })
    const reading = vault.reload()
    vault.destroy()
    await reading
    expect(await codeOf(vault.open({ ...SECRET, sealed }))).toBe('vault_key_unknown')
    expect(() => vault.seal({ ...SECRET, plaintext: Buffer.from('x') })).toThrow(SallyportError)
  })
})

describe('named secrets', () => {
  it('are made once, by whichever node is first, and survive rotation', async () => {
    const { vault, openNode, fake, clock } = await setUp()
    const { store } = fake
    const other = await openNode()
    const make = () => random.bytes(32)
    const found = await Promise.all(
      [vault, other, vault, other].map((node) => namedSecret({ store, vault: node, name: 'ledger', make })),
    )
    const hexes = () => new Set(found.map((secret) => Buffer.from(secret).toString('hex')))
    expect(hexes().size).toBe(1)
    await rotateKeys({ store, vault, clock, resealables: fakeResealables })
    found.push(await namedSecret({ store, vault: other, name: 'ledger', make }))
    expect(hexes().size).toBe(1)
    found.push(await namedSecret({ store, vault, name: 'attempts', make }))
    expect(hexes().size).toBe(2)
  })

  it('do not open under another name', async () => {
    const { vault, fake } = await setUp()
    const { store } = fake
    await namedSecret({ store, vault, name: 'ledger', make: () => random.bytes(32) })
    fake.state.secrets.set('attempts', fake.state.secrets.get('ledger')!)
    const swapped = namedSecret({ store, vault, name: 'attempts', make: () => random.bytes(32) })
    expect(await codeOf(swapped)).toBe('vault_sealed_damaged')
  })
})

it('lets no secret and no key out through its errors, nor through the vault itself', async () => {
  const canary = 'cAnArYcAnArYcAnArY'
  const keys = Buffer.from('mAsTeRcAnArYmAsTeRcAnArYmAsTeR!!')
  const { store } = createFakeStore()
  const clock = { now: () => 5 }
  const vault = await openVault({ store, masterKey: keys, clock, random })
  const sealed = vault.seal({ ...SECRET, plaintext: Buffer.from(canary) })
  const errors: unknown[] = [vault]
  errors.push(await failure(vault.open({ subject: 'bob', purpose: 'totp', sealed })))
  errors.push(await failure(vault.open({ ...SECRET, sealed: flipped(sealed, 40, 1) })))
  errors.push(await failure(vault.open({ ...SECRET, sealed: { ...sealed, keyId: 'nobody' } })))
  errors.push(await failure(openVault({ store, masterKey: Buffer.alloc(32), clock, random })))
  errors.push(await failure(openVault({ store, masterKey: keys.subarray(1), clock, random })))
  vault.destroy()
  errors.push(await failure(vault.open({ ...SECRET, sealed })))
  for (const error of errors) {
    const text = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
    for (const secret of [Buffer.from(canary), keys]) {
      for (const encoding of ['utf8', 'hex', 'base64'] as const) {
        expect(text).not.toContain(secret.toString(encoding).slice(0, 12))
      }
      expect(text).not.toContain([...secret.subarray(0, 6)].map((byte) => byte.toString(16)).join(' '))
    }
  }
})
