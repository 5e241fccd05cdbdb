import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type BlockPrefix, HASH_BYTES, MAGIC, PREFIX_BYTES, readPrefix } from './block.ts'

const CHUNK_BYTES = 1 << 20

export interface Block extends BlockPrefix {
  /** Where its prefix begins in the file. */
  offset: number
  prefix: Buffer
  body: Buffer
  hash: Buffer
}

/** How the blocks ended: with the file, in the middle of one, or with something that is none. */
export interface BlocksEnd {
  kind: 'end' | 'torn' | 'bad'
  /** Up to here there are whole blocks. */
  offset: number
  /** Bytes after them. */
  rest: number
  message: string
}

/**
 * The whole blocks of a file in order, each chained to the one before it, in the memory of a few of them.
 * A tail that a crash can have left, cut off or never filled, is torn; any other is bad.
 */
export async function* readBlocks(file: FileHandle): AsyncGenerator<Block, BlocksEnd, undefined> {
  const { size } = await file.stat()
  const source = createSource(file, size)
  const magic = await source.take(MAGIC.length)
  if (magic === null) {
    const begun = await source.rest()
    return begun.equals(MAGIC.subarray(0, begun.length)) || isZero(begun)
      ? { kind: 'torn', offset: 0, rest: size, message: 'there is not even a header' }
      : { kind: 'bad', offset: 0, rest: size, message: 'the file does not begin as a recording does' }
  }
  if (!magic.equals(MAGIC)) {
    if (isZero(magic) && (await source.restIsZero())) {
      return { kind: 'torn', offset: 0, rest: size, message: 'the file was never filled' }
    }
    return { kind: 'bad', offset: 0, rest: size, message: 'the file does not begin as a recording does' }
  }
  let previous: Buffer = magic
  let offset = MAGIC.length
  for (;;) {
    const end = (kind: BlocksEnd['kind'], message: string): BlocksEnd => ({
      ...{ kind, offset, rest: size - offset, message },
    })
    if (size === offset) return end('end', '')
    const prefix = await source.take(PREFIX_BYTES)
    if (prefix === null) return end('torn', 'the last block is cut off')
    const fields = readPrefix(previous, prefix)
    if (fields === null) {
      if (isZero(prefix) && (await source.restIsZero())) return end('torn', 'the end was never filled')
      return end('bad', 'the block does not follow the one before it, or its prefix was altered')
    }
    const rest = await source.take(fields.length + HASH_BYTES)
    if (rest === null) return end('torn', 'the last block is cut off')
    const body = rest.subarray(0, fields.length)
    const stored = rest.subarray(fields.length)
    if (!hash('sha256', Buffer.concat([previous, prefix, body]), 'buffer').equals(stored)) {
      return end('bad', 'the block has not the hash it claims')
    }
    yield { ...fields, offset, prefix, body, hash: stored }
    previous = stored
    offset += PREFIX_BYTES + rest.length
  }
}

interface Source {
  /** The next `length` bytes, in memory of their own; `null` when the file ends before. */
  take(length: number): Promise<Buffer | null>
  rest(): Promise<Buffer>
  restIsZero(): Promise<boolean>
}

function createSource(file: FileHandle, size: number): Source {
  let chunk: Buffer = Buffer.alloc(0)
  let at = 0

  /** What comes after this position, without what was taken before. */
  async function fill(length: number): Promise<void> {
    const have = chunk.length - at
    if (have >= length) return
    const next = Buffer.allocUnsafe(have + Math.max(CHUNK_BYTES, length - have))
    chunk.copy(next, 0, at)
    let filled = have
    while (filled < length) {
      const { bytesRead } = await file.read(next, filled, next.length - filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    chunk = next.subarray(0, filled)
    at = 0
  }

  return {
    async take(length) {
      // A prefix is believed only as far as the file goes.
      await fill(Math.min(length, size))
      if (chunk.length - at < length) return null
      at += length
      return chunk.subarray(at - length, at)
    },
    async rest() {
      return chunk.subarray(at)
    },
    async restIsZero() {
      for (;;) {
        await fill(1)
        if (chunk.length === at) return true
        if (!isZero(chunk.subarray(at))) return false
        at = chunk.length
      }
    },
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
