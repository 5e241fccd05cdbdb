import { createPublicKey } from 'node:crypto'
import { lstat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SallyportError } from '@sallyport/core'
import { publicKeyText, type StoredHeader } from './header.ts'
import { nodeFs } from './recorder-fs.ts'
import type {
  OpenOptions,
  Recorder,
  RecorderOptions,
  RecordingHeader,
  RecoveredRecording,
  RemovedRecording,
  RetainOptions,
} from './recording.ts'
import { recoverRecording } from './recover-recording.ts'
import { createSeal, wrapSessionKey } from './session-key.ts'
import { SessionRecording } from './session-recording.ts'
import {
  ensureSessionsDirectory,
  listRecordings,
  type RecordingSummary,
  recordingFileName,
  summarize,
} from './sessions-directory.ts'

const MOST_NAMESAKES = 1000
const roomToSpare = 1.25

/** Records sessions into files of `dir`, one file a session. */
export function createRecorder(options: RecorderOptions): Recorder {
  const { dir, signingKey, auditorKeys, clock, random, limits, fs = nodeFs } = options
  const publicKey = createPublicKey(signingKey)
  /** What is being recorded, by its path; `null` while it is in the making. */
  const open = new Map<string, SessionRecording | null>()
  ensureSessionsDirectory(dir)

  /** Bytes of the recordings that are not open: known when one is opened, kept up when one is closed. */
  let closedBytes = 0

  async function usage() {
    const paths = await listRecordings(dir)
    closedBytes = await sizeOf(paths.filter((path) => !open.has(path)))
    return { bytes: closedBytes + openBytes(), free: await fs.free(dir), sessions: paths.length }
  }

  function openBytes(): number {
    return [...open.values()].reduce((sum, recording) => sum + (recording?.size ?? 0), 0)
  }

  /** Asked every second by each that records: no file is looked at for it. */
  async function shortOfRoom({ spare = 1 } = {}): Promise<SallyportError | null> {
    const bytes = closedBytes + openBytes()
    const free = await fs.free(dir)
    const minFree = limits.minFree * spare
    const maxTotal = Math.floor(limits.maxTotal / spare)
    if (free < minFree) return exhausted(`${dir}: ${free} bytes are free, and ${minFree} must stay so`)
    if (bytes <= maxTotal) return null
    return exhausted(`${dir}: the recordings take ${bytes} bytes, and may take ${maxTotal}`)
  }

  async function begin(header: RecordingHeader, { mode, onGap }: OpenOptions) {
    await usage()
    const refusal = await shortOfRoom()
    if (refusal !== null) throw refusal
    const opened = clock.now()
    const { path, fd } = createFile(header, opened)
    open.set(path, null)
    try {
      const sessionKey = auditorKeys.length === 0 ? null : random.bytes(32)
      const stored: StoredHeader = {
        ...{ format: 1, ...header, mode, opened, file: basename(path) },
        publicKey: publicKeyText(publicKey),
        recipients: auditorKeys.map((auditor) =>
          wrapSessionKey({ sessionKey: sessionKey!, session: header.session, auditor, random }),
        ),
      }
      const recording = new SessionRecording({
        ...{ fs, fd, path, header: stored, signingKey, clock, mode },
        shortOfRoom: async () => (fs.hasName(fd) ? shortOfRoom() : removed(path)),
        ...(onGap && { onGap }),
        seal: sessionKey === null ? null : createSeal(sessionKey),
        onClosed(size) {
          open.delete(path)
          closedBytes += size
        },
      })
      open.set(path, recording)
      sessionKey?.fill(0)
      await recording.begin()
      fs.syncDirectory(dir)
      return recording
    } catch (cause) {
      open.delete(path)
      fs.close(fd)
      throw new SallyportError('recording_failed', `${path}: could not be begun (${reasonOf(cause)})`, {
        cause,
      })
    }
  }

  function createFile(header: RecordingHeader, opened: number): { path: string; fd: number } {
    const names = { opened, device: header.device.id, technician: header.technician.id }
    for (let take = 1; ; take++) {
      const path = join(dir, recordingFileName({ ...names, take }))
      try {
        return { path, fd: fs.create(path) }
      } catch (cause) {
        if (reasonOf(cause) === 'EEXIST' && take < MOST_NAMESAKES) continue
        throw new SallyportError('recording_failed', `${path}: could not be made (${reasonOf(cause)})`, {
          cause,
        })
      }
    }
  }

  async function recover(): Promise<RecoveredRecording[]> {
    const recovered: RecoveredRecording[] = []
    for (const path of await listRecordings(dir)) {
      if (open.has(path)) continue
      try {
        const { footer } = await summarize(path)
        if (footer !== null) continue
        recovered.push(await recoverRecording({ path, signingKey, publicKey, clock, fs }))
      } catch (error) {
        recovered.push({ path, frames: 0, fault: reasonOf(error) })
      }
    }
    return recovered
  }

  async function retain({ forwarded, onRemove }: RetainOptions): Promise<RemovedRecording[]> {
    const removed: RemovedRecording[] = []
    const closed: (RecordingSummary & { forwarded: boolean })[] = []
    for (const path of await listRecordings(dir)) {
      const summary = await summarize(path)
      if (open.has(path) || summary.header === null) continue
      closed.push({ ...summary, forwarded: await forwarded(summary.header.session) })
    }
    const remove = async (one: (typeof closed)[number], because: RemovedRecording['because']) => {
      const { session, technician } = one.header!
      const { path, size, forwarded } = one
      const entry = { path, session, technician: technician.id, bytes: size, because, forwarded }
      await onRemove(entry)
      await unlink(path)
      removed.push(entry)
    }
    const oldest = limits.retention === null ? -Infinity : clock.now() - limits.retention
    const old = closed.filter(({ header, footer }) => (footer?.closed ?? header!.opened) < oldest)
    for (const one of old) await remove(one, 'age')
    for (const one of closed) {
      if (!one.forwarded || old.includes(one)) continue
      await usage()
      // Before it is short: the session that would fill it is not the one to end for it.
      if ((await shortOfRoom({ spare: roomToSpare })) === null) break
      await remove(one, 'size')
    }
    return removed
  }

  return { open: begin, recover, usage, retain }
}

async function sizeOf(paths: readonly string[]): Promise<number> {
  // One that was removed meanwhile takes no room.
  const sizes = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function removed(path: string): SallyportError {
  return new SallyportError('recording_failed', `${path}: was removed while it was written`)
}

function exhausted(message: string): SallyportError {
  return new SallyportError('storage_exhausted', message)
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
