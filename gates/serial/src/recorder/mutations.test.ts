import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { HASH_BYTES, MAGIC, PREFIX_BYTES } from './block.ts'
import { createWorld, seeded, type World } from './recorder.fixture.ts'
import type { RecordingMode } from './recording.ts'
import type { RecordingMark } from './recording-mark.ts'
import { verifyRecording } from './verify-recording.ts'

interface Sample {
  bytes: Buffer
  /** What a heartbeat took elsewhere in the middle, and the frames there were at the end. */
  mark: RecordingMark
  frames: number
}

const draw = seeded(20_261_121)
let world: World
let file: string
const samples: Sample[] = []

async function record(index: number, mode: RecordingMode): Promise<Sample> {
  const recording = await world.recorder.open(world.header(`session-${index}`), { mode })
  const count = 12 + draw(12)
  let mark = recording.mark()
  for (let n = 0; n < count; n++) {
    const bytes = Buffer.from(Array.from({ length: 1 + draw(200) }, () => draw(256)))
    await recording.write(draw(2) === 0 ? 'in' : 'out', bytes)
    if (n === count >> 1) {
      await vi.waitFor(() => expect(recording.highWater().durableFrames).toBe(n + 1))
      mark = recording.mark()
    }
  }
  const { path, frames } = await recording.close('done')
  return { bytes: readFileSync(path), mark, frames }
}

/** The blocks of a file as byte ranges. */
function blocksOf(bytes: Buffer): { from: number; to: number; kind: string }[] {
  const blocks = []
  for (let from = MAGIC.length; from < bytes.length; ) {
    const to = from + PREFIX_BYTES + bytes.readUInt32BE(from + 4) + HASH_BYTES
    blocks.push({ from, to, kind: bytes.toString('latin1', from, from + 1) })
    from = to
  }
  return blocks
}

/** Makes every check and hash right again, as anyone can who has read how the format works. */
function rehash(bytes: Buffer): Buffer {
  const whole = Buffer.from(bytes)
  for (const { from, to } of blocksOf(whole)) {
    const sum = (end: number) => hash('sha256', whole.subarray(from - HASH_BYTES, end), 'buffer')
    sum(from + 16).copy(whole, from + 16, 0, 16)
    sum(to - HASH_BYTES).copy(whole, to - HASH_BYTES)
  }
  return whole
}

function pick<T>(items: readonly T[]): T {
  return items[draw(items.length)]!
}

const parts = (bytes: Buffer) => [
  bytes.subarray(0, MAGIC.length),
  ...blocksOf(bytes).map(({ from, to }) => bytes.subarray(from, to)),
]

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at]! ^= 1 << draw(8)
  return changed
}

const mutations: Record<string, (sample: Sample, other: Sample) => Buffer> = {
  'a bit flipped': ({ bytes }) => flipped(bytes, draw(bytes.length)),
  'a bit of a length flipped': ({ bytes }) => flipped(bytes, pick(blocksOf(bytes)).from + 4 + draw(4)),
  'a block dropped': ({ bytes }) => {
    const all = parts(bytes)
    return Buffer.concat(all.toSpliced(1 + draw(all.length - 2), 1))
  },
  'a block dropped, and all hashed anew': ({ bytes }) => {
    const all = parts(bytes)
    return rehash(Buffer.concat(all.toSpliced(1 + draw(all.length - 2), 1)))
  },
  'two blocks swapped': ({ bytes }) => {
    const all = parts(bytes)
    const at = 1 + draw(all.length - 3)
    return Buffer.concat(all.with(at, all[at + 1]!).with(at + 1, all[at]!))
  },
  'two blocks swapped, and all hashed anew': ({ bytes }) => {
    const all = parts(bytes)
    const at = 1 + draw(all.length - 3)
    return rehash(Buffer.concat(all.with(at, all[at + 1]!).with(at + 1, all[at]!)))
  },
  'a block of another recording': ({ bytes }, other) => {
    const all = parts(bytes)
    return Buffer.concat(all.with(1 + draw(all.length - 1), pick(parts(other.bytes).slice(1))))
  },
  'a block of another recording, and all hashed anew': ({ bytes }, other) => {
    const all = parts(bytes)
    return rehash(Buffer.concat(all.with(1 + draw(all.length - 1), pick(parts(other.bytes).slice(1, -1)))))
  },
  'the tail of another recording': ({ bytes }, other) => {
    const at = 1 + draw(4)
    return Buffer.concat([...parts(bytes).slice(0, -at), ...parts(other.bytes).slice(-at)])
  },
  'a frame altered, and all hashed anew': ({ bytes }) => {
    const { from, to } = pick(blocksOf(bytes).filter(({ kind }) => kind === 'D'))
    return rehash(flipped(bytes, from + PREFIX_BYTES + draw(to - from - PREFIX_BYTES - HASH_BYTES)))
  },
  'the header altered, and all hashed anew': ({ bytes }) => {
    const text = bytes.toString('latin1').replace('alice@', 'mallo@')
    return rehash(Buffer.from(text, 'latin1'))
  },
  'the footer altered, and all hashed anew': ({ bytes }) =>
    rehash(Buffer.from(bytes.toString('latin1').replace('"reason":"done"', '"reason":"idle"'), 'latin1')),
  'the footer of another recording': ({ bytes }, other) =>
    rehash(Buffer.concat([...parts(bytes).slice(0, -2), ...parts(other.bytes).slice(-2)])),
  'cut below what a heartbeat took elsewhere': ({ bytes, mark }) => {
    let frames = 0
    const below = blocksOf(bytes).filter(({ from }) => {
      const before = frames
      frames += bytes.readUInt16BE(from + 2)
      return before < mark.frames
    })
    return bytes.subarray(0, pick(below).from + draw(PREFIX_BYTES))
  },
  'something after the end': ({ bytes }) => Buffer.concat([bytes, Buffer.alloc(1 + draw(64), draw(255))]),
}

beforeAll(async () => {
  world = createWorld()
  file = join(world.dir, 'mutated.session')
  for (let index = 0; index < 10; index++) {
    samples.push(await record(index, index % 2 === 0 ? 'strict' : 'best-effort'))
  }
})

afterAll(() => world.remove())

async function verify({ mark }: Sample, bytes: Buffer, options: { marked?: boolean } = {}) {
  writeFileSync(file, bytes)
  const marks = options.marked === false ? [] : [mark]
  return verifyRecording(file, { publicKey: world.publicKey, marks })
}

describe('500 recordings that were altered', () => {
  const each = Math.ceil(500 / Object.keys(mutations).length)

  it.each(Object.entries(mutations))('are found with the public key alone: %s', async (_, mutate) => {
    for (let round = 0; round < each; round++) {
      const sample = pick(samples)
      const other = pick(samples.filter((one) => one !== sample))
      const bytes = mutate(sample, other)
      if (bytes.equals(sample.bytes)) throw new Error('the mutation changed nothing')
      const result = await verify(sample, bytes)
      expect(result.status, `round ${round}`).toBe('tampered')
      expect(result.firstBad).toMatchObject({ message: expect.stringMatching(/./) })
    }
  })

  it('are named by the first frame that is bad', async () => {
    for (let round = 0; round < 50; round++) {
      const sample = pick(samples)
      const data = blocksOf(sample.bytes).filter(({ kind }) => kind === 'D')
      const index = draw(data.length)
      const before = data
        .slice(0, index)
        .reduce((sum, { from }) => sum + sample.bytes.readUInt16BE(from + 2), 0)
      const { from, to } = data[index]!
      const result = await verify(sample, flipped(sample.bytes, from + draw(to - from)))
      expect(result.firstBad).toMatchObject({ frame: before + 1, offset: from })
      expect(result.frames).toBe(before)
    }
  })

  it('are named by the first frame without a good signature when they were hashed anew', async () => {
    const sample = samples[0]!
    const data = blocksOf(sample.bytes).filter(({ kind }) => kind === 'D')
    const result = await verify(sample, rehash(flipped(sample.bytes, data[7]!.from + PREFIX_BYTES)))
    expect(result.firstBad).toMatchObject({ frame: 8, message: expect.stringContaining('signature') })
  })

  it('include the recording of another session in the place of the one a checkpoint is of', async () => {
    const { bytes } = samples[1]!
    const result = await verify(samples[0]!, bytes)
    expect(result).toMatchObject({
      status: 'tampered',
      firstBad: { message: expect.stringContaining('session-1') },
    })
    expect(await verify(samples[0]!, Buffer.alloc(0))).toMatchObject({ status: 'tampered' })
  })

  it('include one that somebody made with a key of his own', async () => {
    const other = createWorld()
    const recording = await other.recorder.open(other.header(), { mode: 'strict' })
    const { path } = await recording.close('done')
    expect(await verifyRecording(path)).toMatchObject({ status: 'clean', keyFrom: 'recording' })
    const result = await verifyRecording(path, { publicKey: world.publicKey })
    expect(result).toMatchObject({ status: 'tampered', keyFrom: 'given' })
    other.remove()
  })
})

describe('200 recordings that nobody altered', () => {
  it('are clean, with a checkpoint and without', async () => {
    for (let round = 0; round < 100; round++) {
      const sample = samples[round % samples.length]!
      const result = await verify(sample, sample.bytes, { marked: round % 3 !== 0 })
      expect(result).toMatchObject({ status: 'clean', frames: sample.frames, signedFrames: sample.frames })
    }
  })

  it('are incomplete when they were torn anywhere, and interrupted once the next start has closed them', async () => {
    for (let round = 0; round < 100; round++) {
      const sample = pick(samples)
      const anywhere = round < 40 ? draw(600) : draw(sample.bytes.length)
      // Sectors that were given to the file, and never filled.
      const [length, zeros] = round % 4 === 0 ? [anywhere & ~511, 16 + draw(5000)] : [anywhere, 0]
      const torn = Buffer.concat([sample.bytes.subarray(0, length), Buffer.alloc(zeros)])
      const before = await verify(sample, torn, { marked: false })
      expect(before.status, `torn at ${length}, ${zeros} zeros`).toBe('incomplete')
      const inside = join(world.sessions, 'torn.session')
      writeFileSync(inside, torn)
      const [recovered] = await world.restart().recover()
      const after = await verifyRecording(inside, { publicKey: world.publicKey })
      if (before.header === null) expect(recovered).toMatchObject({ fault: 'there is not even a header' })
      else expect(after).toMatchObject({ status: 'interrupted', frames: before.frames })
      writeFileSync(inside, '')
    }
  })
})

describe('the parser', () => {
  it('takes any bytes there are without failing, and calls none of them clean', async () => {
    for (let round = 0; round < 400; round++) {
      const { bytes } = pick(samples)
      const hostile = Buffer.from(bytes.subarray(0, draw(bytes.length)))
      for (let n = 0; n <= draw(8); n++) if (hostile.length > 0) hostile[draw(hostile.length)] = draw(256)
      // Hashed anew where that can be done at all, so that what lies behind the hashes is reached.
      const reached = round % 2 === 0 ? hostile : tryRehash(hostile)
      const result = await verify(pick(samples), reached, { marked: false })
      expect(['incomplete', 'tampered']).toContain(result.status)
    }
  })

  it('believes no length: a block that claims four gigabytes asks for none', async () => {
    const { bytes } = samples[0]!
    const [, second] = blocksOf(bytes)
    const changed = Buffer.from(bytes)
    changed.writeUInt32BE(0xffff_ffff, second!.from + 4)
    hash('sha256', changed.subarray(second!.from - HASH_BYTES, second!.from + 16), 'buffer').copy(
      ...([changed, second!.from + 16, 0, 16] as const),
    )
    expect(await verify(samples[0]!, changed, { marked: false })).toMatchObject({ status: 'tampered' })
  })
})

function tryRehash(bytes: Buffer): Buffer {
  try {
    return rehash(bytes)
  } catch {
    return bytes
  }
}
