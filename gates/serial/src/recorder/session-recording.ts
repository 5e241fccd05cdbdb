import type { KeyObject } from 'node:crypto'
import { SallyportError } from '@sallyport/core'
import type { Seal } from './block.ts'
import { type ChainPoint, type ChainWriter, createChainWriter, type Tally } from './chain-writer.ts'
import { createFrameBuffer, type FrameKind, MAX_FRAME_BYTES } from './frame.ts'
import { encodeFooter, encodeHeader, type StoredHeader } from './header.ts'
import type { RecorderFs } from './recorder-fs.ts'
import type {
  ClosedRecording,
  Direction,
  HighWater,
  OpenOptions,
  RecorderClock,
  Recording,
  Settled,
} from './recording.ts'
import { type RecordingMark, signMark } from './recording-mark.ts'

/** Nothing stays unsigned or in danger of a power cut for longer than about this. */
const SYNC_EVERY_MS = 100
const ASK_ROOM_EVERY_MS = 1000
const BUSY_TURNS = 16

export interface SessionRecordingOptions extends OpenOptions {
  fs: RecorderFs
  fd: number
  path: string
  header: StoredHeader
  signingKey: KeyObject
  seal: Seal | null
  clock: RecorderClock
  /** Why there is no room for more; `null` when there is. */
  shortOfRoom(): Promise<SallyportError | null>
  onClosed(size: number): void
}

/** What was given and could not be kept, while that is not in the record yet. */
interface Gap {
  since: number
  reason: string
  lost: Tally
}

export class SessionRecording implements Recording {
  readonly id: string
  readonly path: string
  readonly #options: SessionRecordingOptions
  readonly #chain: ChainWriter
  readonly #strict: boolean
  readonly #startedAt: number
  readonly #frames = createFrameBuffer()
  readonly #taken: Tally = { frames: 0, in: 0, out: 0 }
  /** Those who wait for the same write. */
  #waiting: Settled[] = []
  /** The end of a turn of the event loop in which something arrived. */
  #turnsEnd: NodeJS.Immediate | null = null
  /**
   * What arrives in one turn, as it does both ways on a busy line, goes into one block at its end; what arrives
   * alone, as a keystroke does, is not kept waiting for that. For so many turns it is still expected to meet more.
   */
  #busyTurns = 0
  /** A strict write is on its way to the disk; what comes meanwhile goes with the next. */
  #busy = false
  #flushing: Promise<void> | null = null
  #syncing: Promise<void> | null = null
  #timer: NodeJS.Timeout | undefined
  #durable: ChainPoint
  #refusal: SallyportError | null = null
  /** Not even a footer can be written. */
  #dead = false
  #gap: Gap | null = null
  #askedRoomAt: number
  #closing: Promise<ClosedRecording> | null = null

  constructor(options: SessionRecordingOptions) {
    const { fs, fd, header, path, signingKey, seal, clock, mode } = options
    this.#options = options
    this.#strict = mode === 'strict'
    this.id = header.session
    this.path = path
    this.#chain = createChainWriter({ fs, fd, session: header.session, signingKey, seal })
    this.#durable = this.#chain.at
    this.#startedAt = clock.monotonic()
    this.#askedRoomAt = this.#startedAt
  }

  /** Writes the header; nothing may be recorded before it is durable. */
  async begin(): Promise<void> {
    this.#chain.add('header', encodeHeader(this.#options.header))
    this.#chain.sign()
    this.#chain.write()
    await this.#sync()
    this.#chain.prepare()
  }

  write(direction: Direction, bytes: Uint8Array): Promise<void> {
    return promised((settled) => this.pass(direction, bytes, settled))
  }

  pass(direction: Direction, bytes: Uint8Array, settled: Settled): void {
    let at = 0
    for (; bytes.length - at > MAX_FRAME_BYTES; at += MAX_FRAME_BYTES)
      this.#take(direction, bytes.subarray(at, at + MAX_FRAME_BYTES), ignored)
    this.#take(direction, at === 0 ? bytes : bytes.subarray(at), settled)
  }

  event(name: string, detail: Record<string, unknown> = {}): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ name, detail }))
    return promised((settled) => {
      if (bytes.length <= MAX_FRAME_BYTES) this.#take('event', bytes, settled)
      else {
        const message = `the event ${name} has more than ${MAX_FRAME_BYTES} bytes`
        settled(new SallyportError('invalid_input', message))
      }
    })
  }

  highWater(): HighWater {
    const { frames, hash } = this.#chain.at
    return { frames, hash, durableFrames: this.#durable.frames }
  }

  mark(): RecordingMark {
    const { frames, hash } = this.#durable
    const mark = { session: this.id, frames, hash }
    return { ...mark, signature: signMark(mark, this.#options.signingKey).toString('base64url') }
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#chain.at.offset
  }

  bytes(): { in: number; out: number } {
    return { in: this.#taken.in, out: this.#taken.out }
  }

  close(reason: string): Promise<ClosedRecording> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  #take(kind: FrameKind, bytes: Uint8Array, settled: Settled): void {
    const refusal = this.#refusal ?? (this.#closing && failed('the recording is closed'))
    if (refusal !== null) {
      settled(refusal)
      return
    }
    const { clock } = this.#options
    const now = clock.monotonic()
    if (now - this.#askedRoomAt >= ASK_ROOM_EVERY_MS) this.#askRoom(now)
    if (!this.#frames.fits(bytes.length)) this.#chainFrames()
    this.#frames.add(kind, bytes, { elapsed: Math.round((now - this.#startedAt) * 1000), at: clock.now() })
    this.#taken.frames += 1
    if (kind === 'in') this.#taken.in += bytes.length
    else if (kind === 'out') this.#taken.out += bytes.length
    this.#waiting.push(settled)
    const isFirst = this.#turnsEnd === null
    if (!isFirst) this.#busyTurns = BUSY_TURNS
    if (this.#busyTurns === 0) this.#flush()
    // Asked for after the bytes have gone on: it is none of what they wait for.
    if (isFirst) this.#turnsEnd = setImmediate(() => this.#endTurn())
  }

  #endTurn(): void {
    this.#turnsEnd = null
    if (this.#busyTurns > 0) this.#busyTurns -= 1
    this.#flush()
  }

  /** Everything taken so far becomes blocks, behind the gap that there may be. */
  #chainFrames(): void {
    const { next } = this.#chain
    if (this.#gap !== null && next.answeredFor.frames < this.#gap.lost.frames) this.#chainGap(this.#gap)
    if (this.#frames.frames === 0) return
    const { answeredFor, recorded, frames, gaps } = this.#chain.next
    this.#chain.add('data', this.#frames.body(), {
      frames: frames + this.#frames.frames,
      recorded: {
        in: recorded.in + this.#taken.in - answeredFor.in,
        out: recorded.out + this.#taken.out - answeredFor.out,
      },
      answeredFor: { ...this.#taken },
      gaps,
    })
    this.#frames.clear()
  }

  #chainGap({ since, reason, lost }: Gap): void {
    const { clock } = this.#options
    const { answeredFor, recorded, frames, gaps } = this.#chain.next
    const detail = {
      ...{ since, reason, frames: lost.frames - answeredFor.frames },
      bytes: { in: lost.in - answeredFor.in, out: lost.out - answeredFor.out },
    }
    const frame = createFrameBuffer()
    const elapsed = Math.round((clock.monotonic() - this.#startedAt) * 1000)
    frame.add('gap', Buffer.from(JSON.stringify(detail)), { elapsed, at: clock.now() })
    this.#chain.add('data', frame.body(), { frames: frames + 1, recorded, answeredFor: lost, gaps: gaps + 1 })
    this.#chain.sign()
  }

  #flush(): void {
    if (this.#busy || this.#waiting.length === 0) return
    if (this.#strict) this.#flushing = this.#flushStrictly()
    else this.#flushSoon()
  }

  async #flushStrictly(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      try {
        if (this.#dead) throw this.#refusal
        this.#chainFrames()
        this.#chain.sign()
        this.#chain.write()
        await this.#sync()
      } catch (error) {
        if (!this.#dead) this.#die(error)
      }
      const refusal = this.#dead ? this.#refusal : null
      for (const settled of waiting) settled(refusal)
    }
    this.#busy = false
    this.#chain.prepare()
  }

  #flushSoon(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#tryWrite()
    for (const settled of waiting) settled(null)
    // For the next frame, now that this one has been passed on.
    this.#chain.prepare()
    this.#timer ??= setTimeout(() => this.#syncSoon(), SYNC_EVERY_MS)
  }

  /** Best effort: what cannot be written is lost, and the record will say so. */
  #tryWrite(): void {
    try {
      this.#chainFrames()
      this.#chain.write()
      this.#filled()
    } catch (error) {
      this.#lose(error, this.#chain.at)
    }
  }

  #syncSoon(): void {
    this.#syncing = this.#signAndSync().finally(() => {
      this.#syncing = null
      this.#timer = undefined
      const { offset } = this.#chain.at
      if (this.#closing === null && (this.#gap !== null || offset > this.#durable.offset)) {
        this.#timer = setTimeout(() => this.#syncSoon(), SYNC_EVERY_MS)
      }
    })
  }

  async #signAndSync(): Promise<void> {
    try {
      this.#chainFrames()
      if (this.#chain.next.frames > this.#chain.next.signedFrames) this.#chain.sign()
      this.#chain.write()
      this.#filled()
    } catch (error) {
      return this.#lose(error, this.#chain.at)
    }
    try {
      await this.#sync()
    } catch (error) {
      // Nobody knows which pages the system gave up, and it will not say so a second time.
      this.#lose(error, this.#durable)
    }
    this.#chain.prepare()
  }

  async #sync(): Promise<void> {
    const { at } = this.#chain
    await this.#options.fs.sync(this.#options.fd)
    this.#durable = at
  }

  #lose(error: unknown, point: ChainPoint): void {
    const first = this.#gap === null
    const { now } = this.#options.clock
    this.#gap = { since: this.#gap?.since ?? now(), reason: reasonOf(error), lost: { ...this.#taken } }
    this.#frames.clear()
    this.#chain.backTo(point)
    if (first) queueMicrotask(() => this.#options.onGap?.(error))
  }

  /** The gap, if there was one, has been written. */
  #filled(): void {
    this.#gap = null
  }

  #die(error: unknown): void {
    this.#dead = true
    this.#refusal = failed(`${this.path}: could not be written (${reasonOf(error)})`, error)
  }

  #askRoom(now: number): void {
    this.#askedRoomAt = now
    this.#options.shortOfRoom().then(
      (refusal) => {
        this.#refusal ??= refusal
      },
      (error) => {
        this.#refusal ??= new SallyportError(
          'storage_exhausted',
          `how much room is left cannot be told (${reasonOf(error)})`,
          { cause: error },
        )
      },
    )
  }

  async #close(reason: string): Promise<ClosedRecording> {
    // What came in this turn comes first.
    this.#flush()
    await this.#flushing
    clearTimeout(this.#timer)
    await this.#syncing
    clearTimeout(this.#timer)
    const { fs, fd, clock, onClosed } = this.#options
    try {
      if (this.#dead) throw this.#refusal
      this.#chainFrames()
      const { frames, recorded, gaps } = this.#chain.next
      this.#chain.finish(
        encodeFooter({ reason: reason.slice(0, 1024), closed: clock.now(), frames, gaps, bytes: recorded }),
      )
      this.#chain.write()
      await this.#sync()
      const digest = this.#chain.at.hash
      return { path: this.path, frames, digest, bytes: recorded }
    } catch (error) {
      if (!this.#dead) this.#die(error)
      throw this.#refusal
    } finally {
      fs.close(fd)
      onClosed(this.#chain.at.offset)
    }
  }
}

function ignored(): void {}

/** Whoever does not wait for one write is told by the next. */
function promised(take: (settled: Settled) => void): Promise<void> {
  const promise = new Promise<void>((resolve, reject) =>
    take((refusal) => (refusal === null ? resolve() : reject(refusal))),
  )
  promise.catch(ignored)
  return promise
}

function failed(message: string, cause?: unknown): SallyportError {
  return new SallyportError('recording_failed', message, cause === undefined ? {} : { cause })
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
