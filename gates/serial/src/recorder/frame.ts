import { MAX_BODY_BYTES } from './block.ts'

/** Kind, length, monotonic microseconds since the opening, wall milliseconds since the epoch. */
const FRAME_HEAD = 16
/** Longer chunks become several frames. */
export const MAX_FRAME_BYTES = 65_536
/** A block is closed when it has grown to this. */
const BLOCK_BYTES = 262_144
const MAX_BLOCK_FRAMES = 0xffff

const kinds = ['in', 'out', 'event', 'gap'] as const
export type FrameKind = (typeof kinds)[number]

export interface Frame {
  number: number
  kind: FrameKind
  /** Microseconds since the recording was opened, by a clock that is never set. */
  elapsed: number
  /** Milliseconds since the epoch, as the wall clock had it. */
  at: number
  bytes: Buffer
}

export interface FrameStamp {
  elapsed: number
  at: number
}

/** Frames on their way into one block. */
export interface FrameBuffer {
  readonly frames: number
  /** Whether a frame of that length still has room. */
  fits(length: number): boolean
  add(kind: FrameKind, bytes: Uint8Array, stamp: FrameStamp): void
  /** The encoded frames; valid until the next `add`. */
  body(): Uint8Array
  clear(): void
}

export function createFrameBuffer(): FrameBuffer {
  let buffer = Buffer.allocUnsafe(4096)
  let view = viewOf(buffer)
  let used = 0
  let frames = 0

  function reserve(length: number): void {
    if (used + length <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + length))
    larger.set(buffer.subarray(0, used))
    buffer = larger
    view = viewOf(buffer)
  }

  return {
    get frames() {
      return frames
    },
    fits: (length) => frames < MAX_BLOCK_FRAMES && used + FRAME_HEAD + length <= BLOCK_BYTES,
    add(kind, bytes, { elapsed, at }) {
      reserve(FRAME_HEAD + bytes.length)
      view.setUint32(used, (kinds.indexOf(kind) << 24) | bytes.length)
      view.setUint16(used + 4, elapsed / 0x1_0000_0000)
      view.setUint32(used + 6, elapsed)
      view.setUint16(used + 10, at / 0x1_0000_0000)
      view.setUint32(used + 12, at)
      buffer.set(bytes, used + FRAME_HEAD)
      used += FRAME_HEAD + bytes.length
      frames += 1
    },
    body: () => buffer.subarray(0, used),
    clear() {
      used = 0
      frames = 0
    },
  }
}

/** The frames of a block's open body; `null` when they are not `count` well-formed ones to the last byte. */
export function parseFrames(body: Buffer, first: number, count: number): Frame[] | null {
  if (body.length > MAX_BODY_BYTES) return null
  const frames: Frame[] = []
  let at = 0
  while (at < body.length) {
    if (body.length - at < FRAME_HEAD || frames.length === count) return null
    const kind = kinds[body.readUInt8(at)]
    const length = body.readUIntBE(at + 1, 3)
    const end = at + FRAME_HEAD + length
    if (kind === undefined || length > MAX_FRAME_BYTES || end > body.length) return null
    frames.push({
      ...{ number: first + frames.length, kind },
      elapsed: body.readUIntBE(at + 4, 6),
      at: body.readUIntBE(at + 10, 6),
      bytes: body.subarray(at + FRAME_HEAD, end),
    })
    at = end
  }
  return frames.length === count ? frames : null
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
