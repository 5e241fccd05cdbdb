import type { KeyObject } from 'node:crypto'
import { SallyportError } from '@sallyport/core'
import { type Block, readBlocks } from './block-reader.ts'
import { type Frame, parseFrames } from './frame.ts'
import type { StoredHeader } from './header.ts'
import { openBody, unwrapSessionKey } from './session-key.ts'
import { openRecording } from './sessions-directory.ts'
import {
  type RecordingVerification,
  RecordingVerifier,
  type VerifyRecordingOptions,
} from './verify-recording.ts'

export interface ReadRecordingOptions extends VerifyRecordingOptions {
  /** An auditor's X25519 private key, which a sealed recording takes. */
  auditorKey?: KeyObject
}

export interface RecordingContent {
  header: StoredHeader
  /**
   * The frames in order, checked as they are read; throws `recording_damaged` at the first bad one, or at the
   * end when that does not fit.
   */
  frames: AsyncGenerator<Frame, void, undefined>
  /** What was verified of it; all, once the frames have been read to their end. */
  result(): RecordingVerification
}

/** Opens a recording for its content, which is read as it is asked for, never whole. */
export async function readRecording(path: string, options: ReadRecordingOptions): Promise<RecordingContent> {
  const file = await openRecording(path)
  const blocks = readBlocks(file)
  const verifier = new RecordingVerifier(options)
  try {
    const first = await blocks.next()
    if (first.done) throw damaged(path, verifier.end(first.value))
    if (!verifier.block(first.value)) throw damaged(path, verifier.result())
    const header = verifier.header!
    const key = sessionKeyOf({ path, header, auditorKey: options.auditorKey })
    return { header, frames: frames(key), result: () => verifier.result() }
  } catch (error) {
    await file.close()
    throw error
  }

  async function* frames(key: KeyObject | null): RecordingContent['frames'] {
    try {
      for (;;) {
        const { done, value } = await blocks.next()
        if (done) {
          const result = verifier.end(value)
          if (result.firstBad !== null) throw damaged(path, result)
          return
        }
        const before = verifier.frames
        if (!verifier.block(value)) throw damaged(path, verifier.result())
        if (value.kind === 'data') yield* framesOf({ path, block: value, key, first: before + 1 })
      }
    } finally {
      await file.close()
    }
  }
}

function framesOf(options: { path: string; block: Block; key: KeyObject | null; first: number }): Frame[] {
  const { path, block, key, first } = options
  const body = key === null ? block.body : openBody(key, block.prefix, block.body)
  const frames = body === null ? null : parseFrames(body, first, block.frames)
  if (frames !== null) return frames
  throw new SallyportError('recording_damaged', `${path}: frame ${first}: does not open, or is no frame`)
}

function sessionKeyOf(options: {
  path: string
  header: StoredHeader
  auditorKey: KeyObject | undefined
}): KeyObject | null {
  const { path, header, auditorKey: privateKey } = options
  const { recipients, session } = header
  if (recipients.length === 0) return null
  if (privateKey === undefined) {
    throw new SallyportError(
      'invalid_input',
      `${path}: is sealed: give the private key of one of its auditors with --key`,
    )
  }
  const key = unwrapSessionKey({ recipients, session, privateKey })
  if (key !== null) return key
  const names = recipients.map(({ auditor }) => auditor).join(', ')
  throw new SallyportError('invalid_input', `${path}: that key does not open it; it was sealed for ${names}`)
}

function damaged(path: string, result: RecordingVerification): SallyportError {
  const { firstBad } = result
  const where =
    firstBad === null ? 'there is not even a header' : `frame ${firstBad.frame}: ${firstBad.message}`
  return new SallyportError('recording_damaged', `${path}: ${where}`)
}
