import type { KeyObject } from 'node:crypto'
import type { Clock, Random } from '@sallyport/core'
import type { RecorderFs } from './recorder-fs.ts'
import type { RecordingMark } from './recording-mark.ts'

/** `in`: from the technician; `out`: from the device. */
export type Direction = 'in' | 'out'

/** What a recording says of itself before its first frame. Never a secret: it is not sealed. */
export interface RecordingHeader {
  session: string
  device: { id: string; name?: string; location?: string }
  port: string
  technician: { id: string; name?: string }
  openedBy: { factor: string; detail: Record<string, string | number | boolean> }[]
  portSettings: Record<string, unknown>
  policy: unknown
  software: string
  clock: Record<string, unknown>
  marked?: 'break-glass'
}

/**
 * `strict`: bytes may go on only when they are durable; the first failure ends the recording for good.
 * `best-effort`: written first and made durable soon after; a failure leaves a gap that the record names.
 */
export type RecordingMode = 'strict' | 'best-effort'

/** How far a recording had got: counts, and the hash of the chain after the last of them. */
export interface HighWater {
  /** Written so far, and the chain's hash after them. */
  frames: number
  hash: string
  /** How many of them outlive a power cut. */
  durableFrames: number
}

export interface ClosedRecording {
  path: string
  frames: number
  /** The last hash of the chain, which stands for every byte of the file. */
  digest: string
  bytes: { in: number; out: number }
}

/** Called once: with `null` when the bytes may go on, or with why the recording takes no more. */
export type Settled = (refusal: unknown) => void

/**
 * Calls are taken in order, and what arrives together is written together. None of the promises needs to
 * be awaited for its own sake: a failure that nobody waits for is told by the next call.
 */
export interface Recording {
  readonly id: string
  readonly path: string
  /**
   * `strict`: resolves once durable. `best-effort`: once written to the file, and also when that failed:
   * then a gap is marked and `onGap` is called. Rejects with `recording_failed` when a strict recording
   * has failed, and with `storage_exhausted` when the disk is at its floor or the budget is spent.
   */
  write(direction: Direction, bytes: Uint8Array): Promise<void>
  /** The same for a line that is busy: a promise and its turn for each chunk take as long as its seal. */
  pass(direction: Direction, bytes: Uint8Array, settled: Settled): void
  event(name: string, detail?: Record<string, unknown>): Promise<void>
  highWater(): HighWater
  /** A signed statement of what is durable, to be kept where this disk is not. */
  mark(): RecordingMark
  bytes(): { in: number; out: number }
  /** Writes the signed footer. Rejects when that cannot be made durable; the file is released all the same. */
  close(reason: string): Promise<ClosedRecording>
}

export interface OpenOptions {
  mode: RecordingMode
  /** Once for each gap, when it begins. */
  onGap?(error: unknown): void
}

/** What a crash left open. `fault` says why it was not closed; then it was left as it is. */
export interface RecoveredRecording {
  path: string
  frames: number
  fault?: string
}

export interface RemovedRecording {
  path: string
  session: string
  technician: string
  bytes: number
  because: 'age' | 'size'
  /** Whether the SIEM has had it. */
  forwarded: boolean
}

export interface RetainOptions {
  forwarded(session: string): boolean | Promise<boolean>
  /** Called before a file goes, for the ledger; when it throws, the file stays. */
  onRemove(removed: RemovedRecording): void | Promise<void>
}

export interface Recorder {
  open(header: RecordingHeader, options: OpenOptions): Promise<Recording>
  /** Closes what a crash left open, as interrupted. To be called at start, before the first `open`. */
  recover(): Promise<RecoveredRecording[]>
  usage(): Promise<{ bytes: number; free: number; sessions: number }>
  /**
   * Removes what is older than `retention`, then, while the budget is exceeded, the oldest that the SIEM has
   * had. Not to be called while the clock is not to be trusted: one set forward makes everything old.
   */
  retain(options: RetainOptions): Promise<RemovedRecording[]>
}

export type RecorderClock = Clock & {
  /** Milliseconds since any fixed moment; never set back. */
  monotonic(): number
}

export interface RecorderLimits {
  /** Bytes that stay free on the disk: at this floor the line stops rather than forget. */
  minFree: number
  /** Bytes that all recordings together may take. */
  maxTotal: number
  /** Milliseconds after which a recording is removed, the SIEM having had it or not; `null` for never. */
  retention: number | null
}

export interface RecorderOptions {
  dir: string
  /** Ed25519, this shim's own. */
  signingKey: KeyObject
  /** X25519 public keys. With none, recordings are chained and signed, but not sealed. */
  auditorKeys: readonly KeyObject[]
  clock: RecorderClock
  random: Random
  limits: RecorderLimits
  fs?: RecorderFs
}
