import type { KeyObject } from 'node:crypto'
import { type BlockKind, HASH_BYTES, MAGIC, makeBlock, type Seal } from './block.ts'
import type { RecorderFs } from './recorder-fs.ts'
import { signMark } from './recording-mark.ts'

export interface Tally {
  frames: number
  in: number
  out: number
}

/** Where a chain stands: enough to go on from there, or to go back to it. */
export interface ChainPoint {
  /** Bytes of the file. */
  offset: number
  hash: Buffer
  frames: number
  /** Frames that a signature vouches for. */
  signedFrames: number
  /** Bytes that are in the frames. */
  recorded: { in: number; out: number }
  /** What the callers gave, up to here: it is in the frames, or a gap says that it is not. */
  answeredFor: Tally
  gaps: number
}

/** What a data block holds, and what is recorded and answered for after it. */
export type BlockContent = Pick<ChainPoint, 'frames' | 'recorded' | 'answeredFor' | 'gaps'>

export interface ChainWriter {
  /** After everything that was written; a write that fails leaves it where it was. */
  readonly at: ChainPoint
  /** After everything that was added. */
  readonly next: ChainPoint
  /** Chains blocks in memory; `write` puts them into the file, in one call. */
  add(kind: BlockKind, body: Uint8Array, content?: BlockContent): void
  /** Signs where the chain stands, with the blocks that were added. */
  sign(): void
  /** The footer, and the signature that ends the file. */
  finish(footer: Uint8Array): void
  write(): void
  /** Does now what can be done for a data block that is not known yet, if it comes next. */
  prepare(): void
  /** Forgets what was added or written since `point`; the next write begins by cutting the file there. */
  backTo(point: ChainPoint): void
}

export interface ChainWriterOptions {
  fs: RecorderFs
  fd: number
  session: string
  signingKey: KeyObject
  seal: Seal | null
  /** A file to go on with, cut to that point. */
  from?: { point: ChainPoint; serial: number }
}

const start: ChainPoint = {
  ...{ offset: 0, hash: MAGIC, frames: 0, signedFrames: 0 },
  recorded: { in: 0, out: 0 },
  answeredFor: { frames: 0, in: 0, out: 0 },
  gaps: 0,
}

export function createChainWriter(options: ChainWriterOptions): ChainWriter {
  const { fs, fd, session, signingKey, seal, from } = options
  let serial = from?.serial ?? 0
  let at = from?.point ?? start
  let next = at
  let added: Buffer[] = from ? [] : [MAGIC]
  let toCut = from !== undefined

  function add(kind: BlockKind, body: Uint8Array, content?: BlockContent): void {
    serial += 1
    const frames = content === undefined ? 0 : content.frames - next.frames
    const sealed = kind === 'data' ? seal : null
    const block = makeBlock({ kind, frames, serial, previous: next.hash, body, seal: sealed })
    added.push(block)
    next = {
      ...next,
      ...content,
      offset: (next.offset || MAGIC.length) + block.length,
      hash: Buffer.from(block.subarray(block.length - HASH_BYTES)),
    }
  }

  function signature(): Buffer {
    const { frames, hash } = next
    return signMark({ session, frames, hash: hash.toString('hex') }, signingKey)
  }

  return {
    get at() {
      return at
    },
    get next() {
      return next
    },
    add,
    sign() {
      add('signature', signature())
      next = { ...next, signedFrames: next.frames }
    },
    finish(footer) {
      const before = next.offset
      add('footer', footer)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(next.offset - before)
      add('end', Buffer.concat([signature(), length]))
    },
    write() {
      if (toCut) fs.truncate(fd, at.offset)
      toCut = false
      const bytes = added.length === 1 ? added[0]! : Buffer.concat(added)
      for (let done = 0; done < bytes.length; ) {
        const written = fs.write(fd, bytes.subarray(done), at.offset + done)
        if (written <= 0) throw Object.assign(new Error('the file took no more bytes'), { code: 'EIO' })
        done += written
      }
      added = []
      at = next
    },
    prepare: () => seal?.prepare(serial + 1),
    backTo(point) {
      added = point.offset === 0 ? [MAGIC] : []
      next = point
      at = point
      toCut = true
    },
  }
}
