import { type KeyObject, sign, verify } from 'node:crypto'
import { SallyportError } from '@sallyport/core'
import { z } from 'zod'

/** A signed statement: the recording of `session` had, after `frames` frames, the hash `hash`. */
export interface RecordingMark {
  session: string
  frames: number
  hash: string
  /** Ed25519 over the other three, base64url. */
  signature: string
}

const shape = z.object({
  session: z.string().min(1).max(256),
  frames: z.int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})

/** The first line keeps the signature from meaning anything elsewhere. */
function statement({ session, frames, hash }: Omit<RecordingMark, 'signature'>): Buffer {
  return Buffer.from(`sallyport/recording-mark/v1\n${JSON.stringify([session, frames, hash])}`)
}

export function signMark(mark: Omit<RecordingMark, 'signature'>, key: KeyObject): Buffer {
  return sign(null, statement(mark), key)
}

export function isSignedMark(
  mark: Omit<RecordingMark, 'signature'>,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  return signature.length === 64 && verify(null, statement(mark), key, signature)
}

/**
 * Reads marks out of lines of JSON: a mark itself, a heartbeat of `heartbeats/`, or what a SIEM has of one (JSON
 * or OCSF). Lines of anything else have none. Their signatures are not looked at here.
 */
export function parseMarks(text: string): RecordingMark[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0) throw new SallyportError('invalid_input', 'holds no checkpoint')
  return lines.flatMap((line, index) =>
    marksIn(line).map((written) => {
      const mark = shape.safeParse(written)
      if (mark.success) return mark.data
      throw new SallyportError('invalid_input', `line ${index + 1}: is no checkpoint of a recording`)
    }),
  )
}

function marksIn(line: string): unknown[] {
  const value = parseJson(line)
  // A power cut leaves the beginning of a heartbeat.
  if (value === null) return line.startsWith('{"n":') ? [] : [line]
  const { open_recordings: open, details, unmapped, frames } = value
  if (frames !== undefined) return [value]
  if (Array.isArray(open)) return open
  return Object.entries(details ?? unmapped ?? {}).flatMap(([key, written]) =>
    /^mark_\d+$/.test(key) ? [parseJson(String(written))] : [],
  )
}

/** `null` for all that is no object. */
function parseJson(text: string): Record<string, object | undefined> | null {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
