import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { RecordingHeader, RecordingMode } from './recording.ts'
import type { WrappedSessionKey } from './session-key.ts'

/** The header block's body: what the gate said of the session, and what a reader needs for the rest. */
export interface StoredHeader extends RecordingHeader {
  format: 1
  mode: RecordingMode
  /** Wall time of the opening, in milliseconds; frames count their microseconds from it. */
  opened: number
  /** The file's name when it was made. */
  file: string
  /** Ed25519, raw, base64url: the key that signs this recording. Only one from elsewhere proves anything. */
  publicKey: string
  /** Empty: the frames are not sealed. */
  recipients: WrappedSessionKey[]
}

/** The footer block's body. */
export interface RecordingFooter {
  reason: string
  /** Wall time in milliseconds. */
  closed: number
  frames: number
  gaps: number
  /** Unknown to the one who closed it after a crash. */
  bytes?: { in: number; out: number } | undefined
  /** A crash left it open, and the next start closed it. */
  interrupted?:
    | {
        /** Up to here the frames were signed while they were recorded; those after it only at the restart. */
        signedFrames: number
        /** Bytes of blocks that were not whole. */
        dropped: number
      }
    | undefined
}

const count = z.int().nonnegative()
const text = z.string().max(1024)
const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,256}$/)

const header = z.object({
  format: z.literal(1),
  session: z.string().min(1).max(256),
  device: z.object({ id: text, name: text.optional(), location: text.optional() }),
  port: text,
  technician: z.object({ id: text, name: text.optional() }),
  openedBy: z
    .array(
      z.object({
        factor: text,
        detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      }),
    )
    .max(32),
  portSettings: z.record(z.string(), z.unknown()),
  policy: z.unknown(),
  software: text,
  clock: z.record(z.string(), z.unknown()),
  marked: z.literal('break-glass').optional(),
  mode: z.enum(['strict', 'best-effort']),
  opened: count,
  file: text,
  publicKey: base64url,
  recipients: z.array(z.object({ auditor: text, ephemeral: base64url, wrapped: base64url })).max(64),
})

const footer = z.object({
  reason: text,
  closed: count,
  frames: count,
  gaps: count,
  bytes: z.object({ in: count, out: count }).optional(),
  interrupted: z.object({ signedFrames: count, dropped: count }).optional(),
})

export function encodeHeader(value: StoredHeader): Buffer {
  return Buffer.from(JSON.stringify(header.parse(value)))
}

export function parseHeader(body: Buffer): StoredHeader | null {
  return parse(header, body) as StoredHeader | null
}

export function encodeFooter(value: RecordingFooter): Buffer {
  return Buffer.from(JSON.stringify(footer.parse(value)))
}

export function parseFooter(body: Buffer): RecordingFooter | null {
  return parse(footer, body)
}

/** RFC 8410 §4: the SPKI wrapping of an Ed25519 key, up to its 32 bytes. */
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')

export function publicKeyText(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_ED25519.length).toString('base64url')
}

export function publicKeyFromText(text: string): KeyObject | null {
  const raw = Buffer.from(text, 'base64url')
  if (raw.length !== 32) return null
  return createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: 'der', type: 'spki' })
}

function parse<T>(schema: z.ZodType<T>, body: Buffer): T | null {
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
    return result.success ? result.data : null
  } catch {
    return null
  }
}
