import { beforeAll, describe, expect, it } from 'vitest'
import { checkpointLines, endAt, format, parse, rehash } from './attacks.fixture.ts'
import { hashBody, parseBody } from './canonical.ts'
import { signCheckpoint } from './checkpoint.ts'
import type { LedgerCheckpoint } from './entry.ts'
import { exportLedger } from './export.ts'
import type { ExportEntry, ExportFooter } from './export-format.ts'
import { createSample, exportedLines, type Sample, testKey } from './ledger.fixture.ts'
import type { VerifyOptions } from './verification.ts'
import { verifyLedger, verifyStoredLedger } from './verify.ts'

const given: VerifyOptions = { publicKey: testKey(7).publicKey }
const verify = (lines: readonly string[], options = given) => verifyLedger(lines, options)

describe('verifyLedger', () => {
  let sample: Sample
  let lines: string[]
  beforeAll(async () => {
    sample = await createSample({ length: 20, keepEvery: 5 })
    lines = await exportedLines(sample)
  })
  const lineOf = (seq: number) =>
    lines.findIndex((text) => {
      const line = parse(text)
      return line.kind === 'entry' && parseBody(line.body)?.seq === seq
    })

  it('says what an export proves, and whose key it believed', async () => {
    const { seq, hash } = sample.rows.head!
    const clean = {
      ...{ status: 'clean', keyFrom: 'given', entries: 20, firstSeq: 1, lastSeq: 20, head: { seq, hash } },
      ...{ signedThrough: 20, checkpointsBelowStart: 0, firstBad: null },
    }
    expect(await verify(lines)).toEqual(clean)
    expect(await verify(lines, {})).toEqual({ ...clean, keyFrom: 'export' })
  })

  it.each([
    [
      'an edited entry',
      (at: number) => lines.with(at, lines[at]!.replace('"http"', '"port"')),
      'entry_altered',
    ],
    ['a dropped entry', (at: number) => lines.toSpliced(at, 1), 'entry_missing'],
    [
      'a swapped entry',
      (at: number) => lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!),
      'entry_missing',
    ],
    ['a line that is none', (at: number) => lines.with(at, 'hello\n'), 'line_malformed'],
    [
      'a line feed of Windows',
      (at: number) => lines.with(at, lines[at]!.replace('\n', '\r\n')),
      'line_malformed',
    ],
    ['an empty line', (at: number) => lines.toSpliced(at, 0, '\n'), 'line_malformed'],
  ])('names %s', async (_name, break_, reason) => {
    for (const seq of [1, 8, 17]) {
      const { status, firstBad, signedThrough } = await verify(break_(lineOf(seq)))
      expect({ status, ...firstBad }).toMatchObject({
        status: 'tampered',
        line: lineOf(seq) + 1,
        seq,
        reason,
      })
      expect(signedThrough).toBe(Math.floor((seq - 1) / 5) * 5)
    }
  })

  it('bounds a rewritten stretch by the signatures around it', async () => {
    const forged = rehash(lines, 8)
    const behindSigned = lines.map((line, at) => (parse(line).kind === 'entry' ? forged[at]! : line))
    for (const [attack, reason] of [
      [forged, 'signature_invalid'],
      [behindSigned, 'checkpoint_contradicted'],
    ] as const) {
      const { firstBad, signedThrough } = await verify(attack)
      expect({ signedThrough, ...firstBad }).toMatchObject({ signedThrough: 5, reason, seq: 6 })
    }
  })

  it('does not take a rewritten stretch for a lost tail', async () => {
    const forged = rehash(lines, 8).slice(0, -1)
    expect((await verify(forged)).status).toBe('tampered')
  })

  /** Every one of these could hide in a tail that no signature covers yet. */
  describe('judges an unsigned tail too', () => {
    const tail = () => lines.slice(0, lineOf(9))
    const entry = (body: string) => format({ kind: 'entry', hash: hashBody(body), body })
    const body = (line: string) => (parse(line) as ExportEntry).body

    it.each<[string, () => string[], string, number]>([
      [
        'an entry replaced with its own hash',
        () => tail().with(-2, entry(body(tail().at(-2)!).replace('http', 'port'))),
        'chain_broken',
        8,
      ],
      [
        'an entry with a space',
        () => tail().with(-1, entry(body(tail().at(-1)!).replace(',', ', '))),
        'entry_altered',
        8,
      ],
      [
        'an entry of another ledger',
        () => tail().with(-1, entry(body(tail().at(-1)!).replace('main', 'mine'))),
        'other_ledger',
        8,
      ],
      [
        'a checkpoint that comes late',
        () => [...tail(), lines[checkpointLines(lines)[0]!]!],
        'line_misplaced',
        9,
      ],
      [
        'a checkpoint that comes early',
        () => [...tail(), lines[checkpointLines(lines)[1]!]!],
        'entry_missing',
        9,
      ],
      [
        'a checkpoint that comes twice',
        () => [...lines.slice(0, lineOf(6)), lines[lineOf(6) - 1]!],
        'line_misplaced',
        6,
      ],
      ['a second export behind it', () => [...tail(), ...lines], 'line_misplaced', 9],
      ['no header', () => tail().slice(1), 'line_misplaced', 1],
    ])('%s', async (_name, attack, reason, seq) => {
      expect((await verify(attack())).firstBad).toMatchObject({ reason, seq })
    })
  })

  it('lets nothing follow the footer, whole or torn', async () => {
    const longer = await createSample({ length: 20, keepEvery: 5 })
    longer.commit([{ type: 'a.b', at: 1 }])
    const grown = await exportedLines(longer)
    const next = grown.at(-2)!
    expect((await verify([...lines.slice(0, -1), next, grown.at(-1)!])).status).toBe('clean')
    for (const more of [next, grown.at(-1)!, next.slice(0, 50), '\n', ' ']) {
      expect((await verify([...lines, more])).status).toBe('tampered')
    }
  })

  it('checks what the footer counts', async () => {
    const footer = parse(lines.at(-1)!) as ExportFooter
    for (const change of [{ entries: 19 }, { checkpoints: 3 }]) {
      const { firstBad } = await verify(lines.with(-1, format({ ...footer, ...change })))
      expect(firstBad?.reason).toBe('count_differs')
    }
  })

  it('takes no line for torn that could not have gone on', async () => {
    const reason = async (rest: string) => (await verify([...lines.slice(0, 4), rest])).firstBad?.reason
    expect(await reason('{"ki')).toBeUndefined()
    expect(await reason('{"kind":"entry","hash":"\\"}')).toBeUndefined()
    for (const rest of ['x', '{"kinds', '{"kind":"entry"}x', '{"kind":"\u0000', '{"kind":"[]{}"}}']) {
      expect({ rest, reason: await reason(rest) }).toEqual({ rest, reason: 'line_malformed' })
    }
  })

  it('believes the given key over the one in the export', async () => {
    const { status, firstBad } = await verify(lines, { publicKey: testKey(8).publicKey })
    expect({ status, ...firstBad }).toMatchObject({ status: 'tampered', line: 1, reason: 'key_differs' })
  })

  it('does not end at a checkpoint, though it is the last thing there is', async () => {
    const result = await verify(lines.slice(0, -1))
    expect(result).toMatchObject({ status: 'incomplete', signedThrough: 20 })
    const last = parse(lines.at(-2)!)
    expect(last.kind).toBe('checkpoint')
  })

  it('proves no more of an older export than an outside checkpoint lets it', async () => {
    const older = endAt(lines, checkpointLines(lines)[1]!)
    expect(await verify(older)).toMatchObject({ status: 'clean', lastSeq: 10 })
    const { firstBad } = await verify(older, { ...given, checkpoints: sample.rows.kept })
    expect(firstBad).toMatchObject({ line: null, seq: 11, reason: 'checkpoint_not_reached' })
  })

  it('is told of a truncation by an outside checkpoint even when nothing is left', async () => {
    const options = { ...given, checkpoints: [sample.rows.kept[0]!] }
    for (const left of [[], [lines[0]!], lines.slice(0, 4)]) {
      expect((await verify(left, options)).firstBad?.reason).toBe('checkpoint_not_reached')
      expect((await verify(left)).status).toBe('incomplete')
    }
  })

  it('accepts no outside checkpoint that is not the ledger’s own', async () => {
    const own = sample.rows.kept[0]!
    const { privateKey } = sample.key
    const other = signCheckpoint({ ...own, ledger: 'second' }, privateKey)
    const forked = signCheckpoint({ ...own, hash: 'f'.repeat(64) }, privateKey)
    const unsigned = { ...own, at: own.at + 1 }
    const unreached = { ...own, seq: 100 }
    const reason = async (checkpoint: LedgerCheckpoint) =>
      (await verify(lines, { ...given, checkpoints: [checkpoint] })).firstBad?.reason
    expect(await reason(own)).toBeUndefined()
    expect(await reason(other)).toBe('other_ledger')
    expect(await reason(unsigned)).toBe('signature_invalid')
    expect(await reason(unreached)).toBe('signature_invalid')
    expect(await reason(forked)).toBe('checkpoint_contradicted')
  })

  it('counts on an outside checkpoint where the export has none', async () => {
    const kept = sample.rows.kept[1]!
    const torn = lines.filter((line) => parse(line).kind !== 'checkpoint').slice(0, 15)
    expect(await verify(torn)).toMatchObject({ status: 'incomplete', signedThrough: 0 })
    const result = await verify(torn, { ...given, checkpoints: [kept] })
    expect(result).toMatchObject({ status: 'incomplete', signedThrough: 10 })
  })

  it('refuses ill-formed UTF-8, a byte order mark and a line without end', async () => {
    const reason = async (chunks: (string | Buffer)[]) => (await verifyLedger(chunks, given)).firstBad?.reason
    expect(await reason([Buffer.from([0xff, 0x0a])])).toBe('line_malformed')
    expect(await reason(['\ufeff', ...lines])).toBe('line_malformed')
    expect(await reason(['{"kind":"', ...new Array(40).fill('x'.repeat(65_536))])).toBe('line_malformed')
    expect(await reason([`{"kind":${'['.repeat(500_000)}\n`])).toBe('line_malformed')
  })

  it('may be torn inside a character', async () => {
    const at = lines.findIndex((line) => line.includes('ï'))
    const bytes = Buffer.from(lines.slice(0, at + 1).join(''))
    const torn = bytes.subarray(0, bytes.lastIndexOf('ï') + 1)
    expect(await verifyLedger([torn], given)).toMatchObject({
      status: 'incomplete',
      lastSeq: at === 1 ? null : expect.any(Number),
    })
  })

  it('takes a clock that was set back as it comes', async () => {
    const back = await createSample({ length: 0 })
    back.commit([{ type: 'a.b', at: 5000 }])
    back.commit([{ type: 'a.b', at: -1 }])
    expect((await verify(await exportedLines(back))).status).toBe('clean')
  })
})

describe('exportLedger', () => {
  it('gives a ledger without entries no footer', async () => {
    const lines = await exportedLines(await createSample({ length: 0 }))
    expect(lines).toHaveLength(1)
    expect(await verify(lines)).toMatchObject({ status: 'incomplete', entries: 0, head: null })
  })

  it('ends at the head it began with, though the ledger grows meanwhile', async () => {
    const { port, commit, ledgerId, key } = await createSample({ length: 12, keepEvery: 100 })
    const lines: string[] = []
    for await (const line of exportLedger({
      ledger: port,
      ledgerId,
      publicKeyPem: key.publicKeyPem,
      pageSize: 5,
    })) {
      lines.push(line)
      commit([{ type: 'a.b', at: 1 }])
      await port.keepCheckpoint()
    }
    expect(await verify(lines)).toMatchObject({ status: 'clean', lastSeq: 12 })
  })

  it('keeps a text from the store inside its line', async () => {
    const sample = await createSample({ length: 3 })
    const entry = sample.rows.entries[1]!
    entry.body += '}\n{"kind":"footer"'
    expect((await verify(await exportedLines(sample))).firstBad).toMatchObject({ seq: 3, line: 4 })
  })
})

describe('verifyStoredLedger', () => {
  const stored = ({ port, ledgerId, key }: Sample) =>
    verifyStoredLedger({ ledger: port, ledgerId, publicKey: key.publicKey })

  it('finds nothing wrong with what was stored', async () => {
    expect(await stored(await createSample())).toMatchObject({
      status: 'clean',
      entries: 30,
      keyFrom: 'given',
    })
  })

  it.each<[string, (rows: Sample['rows']) => void, string]>([
    ['a dropped row', (rows) => void rows.entries.splice(9, 1), 'entry_missing'],
    ['a dropped tail', (rows) => void rows.entries.pop(), 'entry_missing'],
    ['an emptied table', (rows) => void rows.entries.splice(0), 'entry_missing'],
    ['a dropped beginning', (rows) => void rows.entries.splice(0, 7), 'prune_unrecorded'],
    ['a dropped beginning below no checkpoint', (rows) => void rows.entries.splice(0, 6), 'entry_missing'],
    ['the head of another ledger', (rows) => void Object.assign(rows.head!, { ledger: 'x' }), 'other_ledger'],
    [
      'a head with another hash',
      (rows) => void Object.assign(rows.head!, { hash: 'f'.repeat(64) }),
      'signature_invalid',
    ],
  ])('judges %s', async (_name, break_, reason) => {
    const sample = await createSample()
    break_(sample.rows)
    expect((await stored(sample)).firstBad?.reason).toBe(reason)
  })

  it('does not call a ledger clean whose head is gone', async () => {
    const sample = await createSample()
    sample.rows.head = null
    expect(await stored(sample)).toMatchObject({ status: 'incomplete', entries: 30, signedThrough: 28 })
  })
})
