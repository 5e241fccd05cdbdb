import { hash } from 'node:crypto'

/**
 * A recording is 32 bytes of magic and then blocks, each `prefix · body · hash`. A block's hash covers the
 * 32 bytes before its prefix, which are the hash of the block before it, its prefix and its body: a chain
 * that lies in the file as it is hashed. docs/recording-format.md is the whole of it.
 */
export const MAGIC = Buffer.alloc(32, 0)
MAGIC.write('sallyport recording v1\n')

export const HASH_BYTES = 32
export const PREFIX_BYTES = 32
const CHECK_AT = 16
/** What is larger was written by nobody. */
export const MAX_BODY_BYTES = 1 << 20

export const blockKinds = { header: 0x48, data: 0x44, signature: 0x53, footer: 0x46, end: 0x45 } as const
export type BlockKind = keyof typeof blockKinds

const kindNames = new Map<number, BlockKind>(
  Object.entries(blockKinds).map(([name, byte]) => [byte, name as BlockKind]),
)

/** What the prefix says: which block, how many frames and bytes are in it, and its own number. */
export interface BlockPrefix {
  kind: BlockKind
  frames: number
  length: number
  /** Only ever grows, and is the nonce of a sealed body: after a failed write it skips, it never repeats. */
  serial: number
}

export interface NewBlock extends Omit<BlockPrefix, 'length'> {
  previous: Uint8Array
  body: Uint8Array
  seal: Seal | null
}

/** Seals a body for the prefix it will stand behind. */
export interface Seal {
  readonly overhead: number
  (prefix: Uint8Array, body: Uint8Array, into: Uint8Array): void
  /** Does now what can be done before the body of the block with that serial is known. */
  prepare(serial: number): void
}

/** The block's bytes as they go into the file. Its last 32 are the hash to go on with. */
export function makeBlock({ kind, frames, serial, previous, body, seal }: NewBlock): Buffer {
  const length = body.length + (seal?.overhead ?? 0)
  if (length > MAX_BODY_BYTES) throw new RangeError(`a block of ${length} bytes is too long`)
  const block = Buffer.allocUnsafe(HASH_BYTES + PREFIX_BYTES + length + HASH_BYTES)
  block.set(previous)
  const bodyAt = HASH_BYTES + PREFIX_BYTES
  block.writeUInt8(blockKinds[kind], HASH_BYTES)
  block.writeUInt8(1, HASH_BYTES + 1)
  block.writeUInt16BE(frames, HASH_BYTES + 2)
  block.writeUInt32BE(length, HASH_BYTES + 4)
  block.writeBigUInt64BE(BigInt(serial), HASH_BYTES + 8)
  prefixCheck(block.subarray(0, HASH_BYTES + CHECK_AT)).copy(block, HASH_BYTES + CHECK_AT, 0, 16)
  const into = block.subarray(bodyAt, bodyAt + length)
  if (seal === null) into.set(body)
  else seal(block.subarray(HASH_BYTES, bodyAt), body, into)
  hash('sha256', block.subarray(0, bodyAt + length), 'buffer').copy(block, bodyAt + length)
  return block.subarray(HASH_BYTES)
}

/** `null` for what no recorder wrote after `previous`: a length that was altered is found before it is believed. */
export function readPrefix(previous: Uint8Array, prefix: Buffer): BlockPrefix | null {
  const check = prefixCheck(Buffer.concat([previous, prefix.subarray(0, CHECK_AT)]))
  if (check.compare(prefix, CHECK_AT, PREFIX_BYTES, 0, 16) !== 0) return null
  const kind = kindNames.get(prefix.readUInt8(0))
  const length = prefix.readUInt32BE(4)
  const serial = prefix.readBigUInt64BE(8)
  if (kind === undefined || prefix.readUInt8(1) !== 1 || length > MAX_BODY_BYTES) return null
  if (serial > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return { kind, frames: prefix.readUInt16BE(2), length, serial: Number(serial) }
}

function prefixCheck(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}
