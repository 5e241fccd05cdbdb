import { describe, expect, it } from 'vitest'
import { readEntry } from './canonical.ts'
import type { LedgerEntry } from './entry.ts'
import { exportLedger } from './export.ts'
import { createSample, exportedLines, type Sample } from './ledger.fixture.ts'
import { pruneLedger } from './retention.ts'
import { verifyLedger, verifyStoredLedger } from './verify.ts'

/** Entry n of a sample was recorded n seconds after this. */
const START = 1_700_000_000_000
const since = (seq: number) => START + seq * 1000

const prune = ({ store, ledgerId, key, clock }: Sample, keepSince: number) =>
  pruneLedger({ store, ledgerId, publicKey: key.publicKey, clock, keepSince, actor: 'cli' })
const verify = async (sample: Sample, checkpoints = [sample.rows.head!]) =>
  verifyLedger(await exportedLines(sample), { publicKey: sample.key.publicKey, checkpoints })

const swapText = (entry: LedgerEntry, from: string, to: string) =>
  void Object.assign(entry, { body: entry.body.replace(from, to) })

describe('pruneLedger', () => {
  it('removes whole stretches, says so in the ledger, and the rest verifies', async () => {
    const sample = await createSample()
    const [first] = sample.rows.kept
    expect(await prune(sample, since(20))).toEqual({ through: sample.rows.kept[0], removed: 14 })
    const recorded = readEntry(sample.rows.entries.at(-1)!)
    expect(recorded).toMatchObject({
      type: 'ledger.pruned',
      actor: 'cli',
      data: { through: 14, removed: 14 },
    })
    const result = await verify(sample)
    expect(result).toMatchObject({
      status: 'clean',
      firstSeq: 15,
      lastSeq: 31,
      entries: 17,
      signedThrough: 31,
    })
    expect(await verify(sample, [first!])).toMatchObject({ status: 'clean', checkpointsBelowStart: 1 })
  })

  it('removes an entry that was recorded just before the limit, and none at it', async () => {
    expect(await prune(await createSample(), since(14))).toMatchObject({ removed: 7 })
    expect(await prune(await createSample(), since(14) + 1)).toMatchObject({ removed: 14 })
  })

  it('removes nothing when nothing is old, nothing was kept, or nothing is there', async () => {
    expect(await prune(await createSample(), since(7))).toBeNull()
    expect(await prune(await createSample({ keepEvery: 100 }), since(100))).toBeNull()
    expect(await prune(await createSample({ length: 0 }), since(100))).toBeNull()
  })

  it('goes on where it stopped, again and again', async () => {
    const sample = await createSample()
    expect(await prune(sample, since(8))).toMatchObject({ removed: 7 })
    expect(await prune(sample, since(8))).toBeNull()
    expect(await prune(sample, since(29))).toMatchObject({ removed: 21 })
    expect(await verify(sample)).toMatchObject({ status: 'clean', firstSeq: 29, lastSeq: 32 })
  })

  it('does not excuse a beginning that was cut off further up', async () => {
    const sample = await createSample()
    await prune(sample, since(8))
    sample.rows.entries.splice(0, 7)
    const { firstBad } = await verify(sample)
    expect(firstBad).toMatchObject({ reason: 'prune_unrecorded', seq: 1 })
  })

  it('anchors the rest on nothing but the key’s own word', async () => {
    const sample = await createSample()
    await prune(sample, since(8))
    Object.assign(sample.rows.kept[0]!, { at: 1 })
    expect((await verify(sample, [])).firstBad).toMatchObject({ line: 1, reason: 'signature_invalid' })
    sample.rows.kept.shift()
    expect((await verify(sample, [])).firstBad).toMatchObject({ line: 2, reason: 'entry_missing', seq: 1 })
  })

  it('may remove everything but its own record', async () => {
    const sample = await createSample({ length: 14 })
    expect(await prune(sample, since(100))).toMatchObject({ removed: 14 })
    expect(await verify(sample)).toMatchObject({ status: 'clean', firstSeq: 15, lastSeq: 15 })
  })

  it('is recorded once when two nodes do it at the same time', async () => {
    const sample = await createSample()
    const done = await Promise.all([prune(sample, since(20)), prune(sample, since(20))])
    expect(done.filter((one) => one !== null)).toHaveLength(1)
    expect(await verify(sample)).toMatchObject({ status: 'clean', lastSeq: 31 })
  })

  it('keeps what lies before an entry whose clock was ahead', async () => {
    const sample = await createSample({ length: 0 })
    for (const at of [1, 900, 2]) {
      sample.commit([{ type: 'a.b', at }])
      await sample.port.keepCheckpoint()
    }
    expect(await prune(sample, 500)).toMatchObject({ removed: 1 })
  })

  it.each<[string, (rows: Sample['rows']) => void]>([
    ['an edited entry', ({ entries }) => swapText(entries[3]!, 'http', 'port')],
    ['an edited entry that would stay', ({ entries }) => swapText(entries[28]!, 'http', 'port')],
    ['a forged checkpoint', ({ kept }) => void Object.assign(kept[1]!, { at: 1 })],
    ['a beginning that was cut off', ({ entries }) => void entries.splice(0, 7)],
  ])('destroys nothing when the ledger holds %s', async (_name, break_) => {
    const sample = await createSample()
    break_(sample.rows)
    const before = structuredClone(sample.rows)
    await expect(prune(sample, since(20))).rejects.toMatchObject({ code: 'ledger_damaged' })
    expect(sample.rows).toEqual(before)
  })

  it.each([1, 2, 12, 13, 20])('does not spoil an export that has come to line %i', async (after) => {
    const sample = await createSample()
    const { port, ledgerId, key } = sample
    const lines: string[] = []
    const run = async () => {
      for await (const line of exportLedger({
        ledger: port,
        ledgerId,
        publicKeyPem: key.publicKeyPem,
        pageSize: 5,
      })) {
        if (lines.push(line) === after) await prune(sample, since(20))
      }
      return (await verifyLedger(lines, { publicKey: key.publicKey })).status
    }
    const outcome = await run().catch((error) => error.code)
    expect(outcome).toBe(after <= 12 ? 'store_conflict' : 'clean')
  })

  it('does not make an export look tampered with that has only just read the head', async () => {
    const sample = await createSample()
    const { port, ledgerId, key } = sample
    const head = async () => {
      const found = await port.head()
      await prune(sample, since(20))
      return found
    }
    const stored = verifyStoredLedger({ ledger: { ...port, head }, ledgerId, publicKey: key.publicKey })
    await expect(stored).rejects.toMatchObject({ code: 'store_conflict' })
  })
})
