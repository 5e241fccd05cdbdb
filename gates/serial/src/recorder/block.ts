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
const CHECK_BYTES = PREFIX_BYTES - CHECK_AT
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
  body: Uint8Array
  seal: Seal | null
}

/** A body, and the prefix it will stand behind, which holds the serial. */
export interface OpenBody {
  serial: number
  prefix: Uint8Array
  body: Uint8Array
}

export interface Seal {
  readonly overhead: number
  (open: OpenBody, into: Uint8Array): void
  /** Does now what can be done before the body of the block with that serial is known. */
  prepare(serial: number): void
}

/** How many bytes `putBlock` takes for a body. */
export function blockLength(bodyLength: number, seal: Seal | null): number {
  return PREFIX_BYTES + bodyLength + (seal?.overhead ?? 0) + HASH_BYTES
}

/**
 * Puts a block into `file` at `at`, behind the 32 bytes that are hashed with it, and answers its own hash.
 * Hashes are asked for as text: one that is handed over as a buffer costs more in memory than in hashing.
 */
export function putBlock(file: Buffer, at: number, { kind, frames, serial, body, seal }: NewBlock): string {
  const length = body.length + (seal?.overhead ?? 0)
  if (length > MAX_BODY_BYTES) throw new RangeError(`a block of ${length} bytes is too long`)
  const chainedTo = at - HASH_BYTES
  const bodyAt = at + PREFIX_BYTES
  const hashAt = bodyAt + length
  file.writeUInt8(blockKinds[kind], at)
  file.writeUInt8(1, at + 1)
  file.writeUInt16BE(frames, at + 2)
  file.writeUInt32BE(length, at + 4)
  file.writeBigUInt64BE(BigInt(serial), at + 8)
  file.write(prefixCheck(file.subarray(chainedTo, at + CHECK_AT)), at + CHECK_AT, CHECK_BYTES, 'latin1')
  if (seal === null) file.set(body, bodyAt)
  else seal({ serial, prefix: file.subarray(at, bodyAt), body }, file.subarray(bodyAt, hashAt))
  const digest = hash('sha256', file.subarray(chainedTo, hashAt), 'hex')
  file.write(digest, hashAt, HASH_BYTES, 'hex')
  return digest
}

/** `null` for what no recorder wrote after `previous`: a length that was altered is found before it is believed. */
export function readPrefix(previous: Uint8Array, prefix: Buffer): BlockPrefix | null {
  const check = prefixCheck(Buffer.concat([previous, prefix.subarray(0, CHECK_AT)]))
  if (prefix.toString('latin1', CHECK_AT, PREFIX_BYTES) !== check) return null
  const kind = kindNames.get(prefix.readUInt8(0))
  const length = prefix.readUInt32BE(4)
  const serial = prefix.readBigUInt64BE(8)
  if (kind === undefined || prefix.readUInt8(1) !== 1 || length > MAX_BODY_BYTES) return null
  if (serial > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return { kind, frames: prefix.readUInt16BE(2), length, serial: Number(serial) }
}

/** One character a byte. */
function prefixCheck(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary').slice(0, CHECK_BYTES)
}
