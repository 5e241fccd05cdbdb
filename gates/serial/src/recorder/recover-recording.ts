import type { KeyObject } from 'node:crypto'
import { closeSync, constants, openSync } from 'node:fs'
import type { Clock } from '@sallyport/core'
import { HASH_BYTES, PREFIX_BYTES } from './block.ts'
import { type Block, readBlocks } from './block-reader.ts'
import { createChainWriter } from './chain-writer.ts'
import { encodeFooter } from './header.ts'
import type { RecorderFs } from './recorder-fs.ts'
import type { RecoveredRecording } from './recording.ts'
import { openRecording } from './sessions-directory.ts'
import { RecordingVerifier } from './verify-recording.ts'

/** More than can have been on its way to the disk; beyond it a break is no crash. */
const LONGEST_TAIL = 32 << 20

export interface RecoverOptions {
  path: string
  signingKey: KeyObject
  publicKey: KeyObject
  clock: Clock
  fs: RecorderFs
}

/**
 * Closes one recording that a crash left open: cuts off what is not whole, and signs a footer that says so,
 * and up to where the frames had been signed before. What cannot be the work of a crash is not signed.
 */
export async function recoverRecording(options: RecoverOptions): Promise<RecoveredRecording> {
  const { path, signingKey, publicKey, clock, fs } = options
  const walked = await walk(path, publicKey)
  if (typeof walked === 'string') return { path, frames: 0, fault: walked }
  const { last, session, frames, signedFrames, end } = walked
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    const point = {
      ...{ offset: end.offset, hash: last.hash.toString('hex'), frames, signedFrames, gaps: 0 },
      ...{ recorded: { in: 0, out: 0 }, answeredFor: { frames: 0, in: 0, out: 0 } },
    }
    const from = { point, serial: last.serial }
    const chain = createChainWriter({ fs, fd, session, signingKey, seal: null, from })
    const interrupted = { signedFrames, dropped: end.rest }
    const footer = { reason: 'interrupted', closed: clock.now(), frames, gaps: 0, interrupted }
    chain.finish(encodeFooter(footer))
    chain.write()
    await fs.sync(fd)
  } finally {
    closeSync(fd)
  }
  return { path, frames }
}

/** A sentence when the recording is not one to be closed. */
async function walk(path: string, publicKey: KeyObject) {
  const file = await openRecording(path)
  try {
    const verifier = new RecordingVerifier({ publicKey })
    const blocks = readBlocks(file)
    let last: Block | null = null
    for (;;) {
      const { done, value } = await blocks.next()
      if (!done) {
        if (!verifier.block(value)) return verifier.result().firstBad?.message ?? 'it is damaged'
        // A footer without its end was torn off with it: the chain goes on from before.
        if (value.kind !== 'footer') last = value
        continue
      }
      if (value.rest > LONGEST_TAIL) return `${value.rest} bytes are no part of it, which no crash leaves`
      if (value.kind === 'bad' && last === null) return value.message
      const cutFooter = verifier.result().footer !== null
      // Whatever followed the last whole block is cut off, be it torn or bad.
      const result = verifier.end({ ...value, kind: 'end' })
      if (result.firstBad !== null) return result.firstBad.message
      if (result.header === null || last === null) return 'there is not even a header'
      const offset = cutFooter ? last.offset + PREFIX_BYTES + last.length + HASH_BYTES : value.offset
      const rest = value.rest + value.offset - offset
      const { session } = result.header
      return {
        last,
        session,
        frames: result.frames,
        signedFrames: result.signedFrames,
        end: { offset, rest },
      }
    }
  } finally {
    await file.close()
  }
}
