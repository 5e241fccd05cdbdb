import { beforeAll, describe, expect, it } from 'vitest'
import { beginAt, checkpointLines, endAt, format, inPieces, parse, rehash } from './attacks.fixture.ts'
import { signCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint } from './entry.ts'
import type { ExportLine } from './export-format.ts'
import { createSample, createSeeded, exportedLines, type Sample, testKey } from './ledger.fixture.ts'
import type { VerifyOptions } from './verification.ts'
import { verifyLedger } from './verify.ts'

const given: VerifyOptions = { publicKey: testKey(7).publicKey }

describe('mutations', () => {
  let sample: Sample
  let lines: string[]
  let head: LedgerCheckpoint
  let sameKey: string[]
  let sameId: string[]
  beforeAll(async () => {
    sample = await createSample({ length: 40 })
    lines = await exportedLines(sample)
    head = sample.rows.head!
    sameKey = await exportedLines(await createSample({ ledgerId: 'second', length: 40, seed: 2 }))
    sameId = await exportedLines(await createSample({ key: testKey(8), length: 40, seed: 3 }))
  })

  type Seeded = ReturnType<typeof createSeeded>
  type Mutation = (seeded: Seeded) => { lines: string[] | Buffer; options?: VerifyOptions }
  const spliced =
    (from: () => string[]): Mutation =>
    (seeded) => {
      const alien = from().slice(1)
      return { lines: lines.toSpliced(1 + seeded.below(lines.length), seeded.below(2), seeded.pick(alien)) }
    }
  const mutations: Record<string, Mutation> = {
    'a flipped bit': ({ below }) => {
      const bytes = Buffer.from(lines.join(''))
      const at = below(bytes.length)
      bytes[at] = bytes[at]! ^ (1 << below(8))
      return { lines: bytes, options: below(2) === 0 ? given : {} }
    },
    'a dropped line': ({ below }) => ({ lines: lines.toSpliced(below(lines.length - 1), 1) }),
    'swapped lines': ({ below }) => {
      const at = below(lines.length)
      const to = (at + 1 + below(lines.length - 1)) % lines.length
      return { lines: lines.with(at, lines[to]!).with(to, lines[at]!) }
    },
    'a line twice': ({ below, pick }) => ({
      lines: lines.toSpliced(below(lines.length + 1), 0, pick(lines)),
    }),
    'a line of another ledger under the same key': spliced(() => sameKey),
    'a line of the same ledger under another key': spliced(() => sameId),
    'an edit and new hashes': ({ below }) => ({ lines: rehash(lines, 1 + below(40)) }),
    'an edit, new hashes and a new key': ({ below }) => {
      const thief = testKey(9)
      const resigned = rehash(lines, 1 + below(40), (old) => signCheckpoint(old, thief.privateKey))
      const header = { ...parse(lines[0]!), publicKey: thief.publicKeyPem } as ExportLine
      if (below(2) === 0) return { lines: resigned.with(0, format(header)) }
      return { lines: resigned.with(0, format(header)), options: { checkpoints: [head] } }
    },
    'a cut below the outside checkpoint': ({ below }) => {
      const bytes = Buffer.from(lines.join(''))
      const whole = bytes.length - lines.at(-1)!.length
      return { lines: bytes.subarray(0, below(whole)), options: { ...given, checkpoints: [head] } }
    },
    'an older footer below the outside checkpoint': ({ pick }) => ({
      lines: endAt(lines, pick(checkpointLines(lines))),
      options: { ...given, checkpoints: [head] },
    }),
    'a beginning that no prune explains': ({ pick }) => ({
      lines: beginAt(lines, pick(checkpointLines(lines))),
    }),
  }

  it.each(Object.entries(mutations))('%s is found, 50 times of 50', async (_name, mutate) => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const seeded = createSeeded(seed)
      const mutated = mutate(seeded)
      const bytes = Buffer.isBuffer(mutated.lines) ? mutated.lines : Buffer.from(mutated.lines.join(''))
      const result = await verifyLedger(inPieces(bytes, seeded.below), mutated.options ?? given)
      expect({ seed, ...result }).toMatchObject({
        status: 'tampered',
        firstBad: { reason: expect.any(String) },
      })
    }
  })
})

describe('clean and torn exports', () => {
  it('of 100 lengths are never called tampered', async () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const { below, pick } = createSeeded(seed)
      const length = 1 + below(60)
      const sample = await createSample({ seed, length, keepEvery: 1 + below(12) })
      const lines = await exportedLines(sample)
      const bytes = Buffer.from(lines.join(''))
      const checkpoints = [pick([...sample.rows.kept, sample.rows.head!])]
      const clean = await verifyLedger(inPieces(bytes, below), { ...given, checkpoints })
      expect({ seed, ...clean }).toMatchObject({ status: 'clean', entries: length, signedThrough: length })

      const last = checkpointLines(lines).at(-1)
      if (last === undefined) continue
      const past = Buffer.byteLength(lines.slice(0, last + 1).join(''))
      const torn = bytes.subarray(0, past + below(bytes.length - past))
      const tail = await verifyLedger(inPieces(torn, below), { ...given, checkpoints: sample.rows.kept })
      const signedThrough = sample.rows.kept.at(-1)!.seq
      expect({ seed, ...tail }).toMatchObject({ status: 'incomplete', firstBad: null, signedThrough })
    }
  })

  it('are incomplete wherever they are cut, and tampered wherever a byte is changed', async () => {
    const bytes = Buffer.from((await exportedLines(await createSample({ length: 3, keepEvery: 2 }))).join(''))
    const { below } = createSeeded(4)
    for (let at = 0; at < bytes.length; at += 1) {
      const cut = await verifyLedger([bytes.subarray(0, at)], given)
      expect({ at, status: cut.status }).toEqual({ at, status: 'incomplete' })
      const changed = Buffer.from(bytes)
      changed[at] = changed[at]! ^ (1 << below(8))
      const { status, firstBad } = await verifyLedger([changed], at % 2 === 0 ? given : {})
      expect({ at, status, found: firstBad !== null }).toEqual({ at, status: 'tampered', found: true })
    }
  })
})
