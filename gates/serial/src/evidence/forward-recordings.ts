import { open } from 'node:fs/promises'
import { type Clock, type SiemEvent, type Store, spoolEvents, type Tx } from '@sallyport/core'
import { listRecordings, summarize } from '../recorder/sessions-directory.ts'

/** A line for a SIEM takes 8 kB and a field 1,024 characters: five fields of base64 hold a part. */
const fieldBytes = 750
const fields = 5
const partBytes = fieldBytes * fields
const partsAtOnce = 50
const mostWaiting = 100
const partType = 'recording.part'

interface Progress {
  session: string
  offset: number
  /** What the spool had dropped when it was begun: a recording of which a part was dropped begins anew. */
  dropped: number
}

const progressKey = 'shim.forwarding'
const hadKey = (session: string) => `shim.forwarded.${session}`

/**
 * Hands closed recordings to the spool, the oldest first, in parts as they lie on the disk (sealed, where
 * there are auditors' keys), and never more of them than the receiver keeps up with.
 */
export function createForwarding(parts: {
  dir: string
  store: Store
  clock: Clock
  mostEvents: number
  /** How a recording is looked into, when not from the disk. */
  look?: typeof summarize
}) {
  const { dir, store, clock, mostEvents, look = summarize } = parts
  /** Files that need no look any more: what was handed over once is so for ever. */
  let had = new Set<string>()

  async function next(): Promise<{ path: string; size: number; session: string } | null> {
    const paths = await listRecordings(dir)
    had = new Set(paths.filter((path) => had.has(path)))
    for (const path of paths) {
      if (had.has(path)) continue
      const { header, footer, size } = await look(path)
      if (header === null || footer === null) continue
      if (!(await forwarded(header.session))) return { path, size, session: header.session }
      had.add(path)
    }
    return null
  }

  async function forwarded(session: string): Promise<boolean> {
    return store.read(async (tx) => (await tx.settings.find(hadKey(session))) !== null)
  }

  async function readParts(path: string, from: number): Promise<Buffer[]> {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(partBytes * partsAtOnce),
        0,
        partBytes * partsAtOnce,
        from,
      )
      const found: Buffer[] = []
      for (let at = 0; at < bytesRead; at += partBytes)
        found.push(buffer.subarray(at, Math.min(at + partBytes, bytesRead)))
      return found
    } finally {
      await file.close()
    }
  }

  async function progressOf(tx: Tx, session: string, dropped: number): Promise<Progress> {
    const text = await tx.settings.find(progressKey)
    const kept = text === null ? null : (JSON.parse(text) as Progress)
    return kept?.session === session && kept.dropped === dropped ? kept : { session, offset: 0, dropped }
  }

  return {
    forwarded,

    /** One step: to be called now and then. */
    async step(): Promise<void> {
      if (await store.read(isBehind)) return
      const recording = await next()
      if (recording === null) return
      const { path, size, session } = recording
      await store.transaction(async (tx) => {
        const { dropped } = await tx.spool.shipper()
        if (await isBehind(tx)) return
        const progress = await progressOf(tx, session, dropped)
        if (progress.offset >= size) {
          await tx.settings.put(hadKey(session), String(clock.now()))
          return
        }
        const read = await readParts(path, progress.offset)
        const events = read.map((bytes, index) =>
          partEvent({ session, bytes, size, offset: progress.offset + index * partBytes, at: clock.now() }),
        )
        await spoolEvents(tx, events, { mostEvents })
        const sent = read.reduce((sum, { length }) => sum + length, 0)
        await tx.settings.put(progressKey, JSON.stringify({ ...progress, offset: progress.offset + sent }))
      })
    },
  }
}

/** What was handed over is let go first, and a receiver that does not keep up gets no more. */
async function isBehind({ spool }: Pick<Tx, 'spool'>): Promise<boolean> {
  const waiting = await spool.first('event', mostWaiting + 1)
  return waiting.length > mostWaiting || waiting.some(({ event }) => event.type === partType)
}

function partEvent(part: {
  session: string
  bytes: Buffer
  offset: number
  size: number
  at: number
}): SiemEvent {
  const { session, bytes, offset, size, at } = part
  const texts = Array.from({ length: fields }, (_, n) =>
    bytes.toString('base64', n * fieldBytes, Math.min((n + 1) * fieldBytes, bytes.length)),
  ).filter((text) => text !== '')
  return {
    ...{ id: `recording:${session}:${offset}`, at, type: partType, severity: 'info' },
    ...{ address: null, subject: null },
    details: {
      session,
      offset,
      size,
      ...Object.fromEntries(texts.map((text, n) => [`base64_${n + 1}`, text])),
    },
  }
}
