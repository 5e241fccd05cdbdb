import type { KeyObject } from 'node:crypto'
import { type BlockKind, blockLength, HASH_BYTES, MAGIC, putBlock, type Seal } from './block.ts'
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
  /** In hexadecimal. */
  hash: string
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

/** Enough for what is read at once; it grows to what is written at once. */
const BUFFER_BYTES = 8192

const start: ChainPoint = {
  ...{ offset: 0, hash: MAGIC.toString('hex'), frames: 0, signedFrames: 0 },
  recorded: { in: 0, out: 0 },
  answeredFor: { frames: 0, in: 0, out: 0 },
  gaps: 0,
}

export function createChainWriter(options: ChainWriterOptions): ChainWriter {
  const { fs, fd, session, signingKey, seal, from } = options
  let serial = from?.serial ?? 0
  let at = from?.point ?? start
  let next = at
  let toCut = from !== undefined
  // As it will lie in the file: the hash to go on with, or the magic, and the blocks that were added behind it.
  let blocks = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let used = 0
  beginAt(at)

  function beginAt(point: ChainPoint): void {
    used = blocks.write(point.hash, 0, HASH_BYTES, 'hex')
  }

  function add(kind: BlockKind, body: Uint8Array, content?: BlockContent): void {
    serial += 1
    const frames = content === undefined ? 0 : content.frames - next.frames
    const sealed = kind === 'data' ? seal : null
    const length = blockLength(body.length, sealed)
    reserve(length)
    const hash = putBlock(blocks, used, { kind, frames, serial, body, seal: sealed })
    used += length
    next = { ...next, ...content, offset: (next.offset || MAGIC.length) + length, hash }
  }

  function reserve(length: number): void {
    if (used + length <= blocks.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(blocks.length * 2, used + length))
    blocks.copy(larger, 0, 0, used)
    blocks = larger
  }

  function signature(): Buffer {
    const { frames, hash } = next
    return signMark({ session, frames, hash }, signingKey)
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
      // The magic belongs to the file; any other hash that the blocks begin behind is there already.
      const first = at.offset === 0 ? 0 : HASH_BYTES
      for (let from = first; from < used; ) {
        const written = fs.write(fd, blocks.subarray(from, used), at.offset + from - first)
        if (written <= 0) throw Object.assign(new Error('the file took no more bytes'), { code: 'EIO' })
        from += written
      }
      blocks.copyWithin(0, used - HASH_BYTES, used)
      used = HASH_BYTES
      at = next
    },
    prepare: () => seal?.prepare(serial + 1),
    backTo(point) {
      next = point
      at = point
      beginAt(point)
      toCut = true
    },
  }
}
