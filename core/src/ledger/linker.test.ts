import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBody } from './canonical.ts'
import { checkpointText, isSignedCheckpoint, parseCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint, LedgerRecord } from './entry.ts'
import { generateLedgerKey, loadLedgerKey, loadLedgerPublicKey } from './keys.ts'
import { createSeeded, testKey } from './ledger.fixture.ts'
import { createLedgerLinker } from './linker.ts'

const key = testKey(1)
const clock = { now: () => 5000 }
const linker = (ledgerId = 'main', pair = key) => createLedgerLinker({ ledgerId, ...pair, clock })
const records = (count: number): LedgerRecord[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'test.happened', at: index, data: { index } }))
const damaged = expect.objectContaining({ code: 'ledger_damaged' })

describe('createLedgerLinker', () => {
  it('gives the same chain however the records are split into commits', () => {
    const all = records(12)
    const whole = linker().link(null, all)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 })), (sizes) => {
        const one = linker()
        const hashes: string[] = []
        let head: LedgerCheckpoint | null = null
        for (const size of [...sizes, all.length]) {
          const batch = all.slice(hashes.length, hashes.length + size)
          if (batch.length === 0) break
          const linked = one.link(head, batch)
          head = linked.head
          hashes.push(...linked.entries.map(({ hash }) => hash))
        }
        expect(hashes).toEqual(whole.entries.map(({ hash }) => hash))
        expect(head).toEqual(whole.head)
      }),
      { seed: 1 },
    )
  })

  it('names the hash before, and begins where no other ledger begins', () => {
    const { entries, head } = linker().link(null, records(2))
    expect(parseBody(entries[1]!.body)?.prev).toBe(entries[0]!.hash)
    expect(head).toMatchObject({ ledger: 'main', seq: 2, hash: entries[1]!.hash, at: 5000 })
    const other = linker('other').link(null, records(1))
    expect(parseBody(other.entries[0]!.body)?.prev).not.toBe(parseBody(entries[0]!.body)?.prev)
  })

  it('builds on a head of another node, and on an older one after a rollback', () => {
    const one = linker()
    const { head } = one.link(null, records(1))
    const lost = one.link(head, records(2))
    expect(lost.head.seq).toBe(3)
    expect(one.link(head, records(1)).head.seq).toBe(2)
    expect(linker().link(head, records(1)).head.seq).toBe(2)
    expect(one.link(null, records(1)).head.seq).toBe(1)
  })

  it.each([
    ['another place', { seq: 2 }],
    ['another hash', { hash: 'f'.repeat(64) }],
    ['another time', { at: 5001 }],
    ['another ledger', { ledger: 'other' }],
    ['no number', { seq: Number.NaN }],
    ['no signature', { signature: '' }],
  ])('refuses a head that was given %s', (_name, change) => {
    const one = linker()
    const { head } = one.link(null, records(1))
    expect(() => one.link({ ...head, ...change }, records(1))).toThrowError(damaged)
    expect(one.link(head, records(1)).head.seq).toBe(2)
  })

  it('refuses the head of another ledger under the same key, and of the same ledger under another', () => {
    const other = linker('other').link(null, records(1)).head
    expect(() => linker().link(other, records(1))).toThrowError(damaged)
    const forged = linker('main', testKey(2)).link(null, records(1)).head
    expect(() => linker().link(forged, records(1))).toThrowError(damaged)
  })

  it('links nothing when one record is unfit', () => {
    const one = linker()
    const { head } = one.link(null, records(1))
    const unfit = [...records(1), { type: 'test.happened', at: 0.5 }]
    expect(() => one.link(head, unfit)).toThrowError(expect.objectContaining({ code: 'invalid_input' }))
    expect(one.link(head, records(1)).head.seq).toBe(2)
  })

  it('refuses an unfit id, and to sign when nothing happened', () => {
    const invalid = expect.objectContaining({ code: 'invalid_input' })
    expect(() => linker('')).toThrowError(invalid)
    expect(() => linker('a\nb')).toThrowError(invalid)
    expect(() => linker().link(null, [])).toThrowError(invalid)
  })
})

describe('checkpoints', () => {
  const { head } = linker().link(null, records(1))

  it('survive being written down', () => {
    expect(parseCheckpoint(checkpointText(head))).toEqual(head)
    expect(isSignedCheckpoint(parseCheckpoint(checkpointText(head)), key.publicKey)).toBe(true)
  })

  it('have one spelling of their signature', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const good = [...alphabet].filter((last) => {
      const signature = head.signature.slice(0, -1) + last
      return isSignedCheckpoint({ ...head, signature }, key.publicKey)
    })
    expect(good).toEqual([head.signature.at(-1)])
    const padded = { ...head, signature: `${head.signature}==` }
    expect(isSignedCheckpoint(padded, key.publicKey)).toBe(false)
  })

  it.each(['', 'null', '[]', '{}', '{"ledger":"main"}', checkpointText({ ...head, seq: 0 })])(
    'are not read from %j',
    (text) => {
      expect(() => parseCheckpoint(text)).toThrowError(expect.objectContaining({ code: 'invalid_input' }))
    },
  )
})

describe('keys', () => {
  it('come back from their bytes, and no two are the same', () => {
    const { random } = createSeeded(3)
    const bytes = generateLedgerKey(random)
    const pair = loadLedgerKey(bytes)
    expect(loadLedgerPublicKey(pair.publicKeyPem).equals(pair.publicKey)).toBe(true)
    expect(loadLedgerKey(bytes).publicKeyPem).toBe(pair.publicKeyPem)
    expect(loadLedgerKey(generateLedgerKey(random)).publicKeyPem).not.toBe(pair.publicKeyPem)
  })

  // RFC 8032 §7.1, TEST 1
  it('are derived as the standard says', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
    const { publicKey } = loadLedgerKey(generateLedgerKey({ bytes: () => seed }))
    const expected = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
    expect(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')).toBe(expected)
  })

  it('of another kind are refused', async () => {
    const { generateKeyPairSync } = await import('node:crypto')
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const invalid = expect.objectContaining({ code: 'invalid_input' })
    expect(() => loadLedgerKey(privateKey.export({ type: 'pkcs8', format: 'der' }))).toThrowError(invalid)
    expect(() => loadLedgerKey(new Uint8Array(3))).toThrowError(invalid)
    expect(() =>
      loadLedgerPublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    ).toThrowError(invalid)
    expect(() => loadLedgerPublicKey('')).toThrowError(invalid)
  })
})
