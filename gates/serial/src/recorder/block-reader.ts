import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type BlockPrefix, HASH_BYTES, MAGIC, PREFIX_BYTES, readPrefix } from './block.ts'

const CHUNK_BYTES = 1 << 20

/** A power cut leaves whole sectors of a file's end unfilled, not single bytes. */
const SECTOR_BYTES = 512
const FEWEST_ZEROS = 16

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
  const magic = await source.take(Math.min(MAGIC.length, size))
  if (magic === null || magic.length < MAGIC.length || !magic.equals(MAGIC)) {
    const torn = magic !== null && (MAGIC.indexOf(magic) === 0 || (await isZeroFrom(file, { from: 0, size })))
    const message = torn ? 'there is not even a header' : 'the file does not begin as a recording does'
    return { kind: torn ? 'torn' : 'bad', offset: 0, rest: size, message }
  }
  let previous: Buffer = magic
  let offset = MAGIC.length
  const end = (kind: BlocksEnd['kind'], message: string): BlocksEnd => ({
    ...{ kind, offset, rest: size - offset, message },
  })
  const bad = async (message: string): Promise<BlocksEnd> => {
    const from = (Math.floor(offset / SECTOR_BYTES) + 1) * SECTOR_BYTES
    const unfilled = size - from >= FEWEST_ZEROS && (await isZeroFrom(file, { from, size }))
    return unfilled ? end('torn', 'the end was never filled') : end('bad', message)
  }
  for (;;) {
    if (size === offset) return end('end', '')
    const prefix = await source.take(PREFIX_BYTES)
    if (prefix === null) return end('torn', 'the last block is cut off')
    const fields = readPrefix(previous, prefix)
    if (fields === null) {
      return bad('the block does not follow the one before it, or its prefix was altered')
    }
    const rest = await source.take(fields.length + HASH_BYTES)
    if (rest === null) return end('torn', 'the last block is cut off')
    const body = rest.subarray(0, fields.length)
    const stored = rest.subarray(fields.length)
    if (!hash('sha256', Buffer.concat([previous, prefix, body]), 'buffer').equals(stored)) {
      return bad('the block has not the hash it claims')
    }
    yield { ...fields, offset, prefix, body, hash: stored }
    previous = stored
    offset += PREFIX_BYTES + rest.length
  }
}

interface Source {
  /** The next `length` bytes, in memory of their own; `null` when the file ends before. */
  take(length: number): Promise<Buffer | null>
}

function createSource(file: FileHandle, size: number): Source {
  let chunk: Buffer = Buffer.alloc(0)
  let at = 0
  let position = 0

  /** What comes after this position, without what was taken before. */
  async function fill(length: number): Promise<void> {
    const have = chunk.length - at
    if (have >= length) return
    const next = Buffer.allocUnsafe(have + Math.max(CHUNK_BYTES, length - have))
    chunk.copy(next, 0, at)
    let filled = have
    while (filled < length) {
      const { bytesRead } = await file.read(next, filled, next.length - filled, position)
      if (bytesRead === 0) break
      filled += bytesRead
      position += bytesRead
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
  }
}

async function isZeroFrom(file: FileHandle, at: { from: number; size: number }): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(65_536)
  for (let from = at.from; from < at.size; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    if (bytesRead === 0 || buffer.subarray(0, bytesRead).some((byte) => byte !== 0)) return false
    from += bytesRead
  }
  return true
}
