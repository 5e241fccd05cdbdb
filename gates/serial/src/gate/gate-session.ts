import type { KeptLine } from '../endpoints/keep-line.ts'
import type { ClosedRecording, Recorder, Recording, RecordingHeader } from '../recorder/recording.ts'
import type { RecordingMark } from '../recorder/recording-mark.ts'
import type { PortEvent } from '../state/port-state.ts'
import type { Timers } from '../timers.ts'
import { createEscapeFinder } from './escape.ts'
import { createSessionLine, type SessionLine } from './session-line.ts'

/** What was taken from one side may take so long to reach the other when a session ends in order. */
const longestDrain = 2_000
/** The line feed behind a carriage return has come by then, at the slowest rates and through USB adapters. */
const restOfLine = 25

export interface SessionRules {
  recording: 'strict' | 'best-effort'
  idle_timeout: number
  max_duration: number
  max_bytes: number
  on_idle: 'emergency_stop' | 'flush'
  escape?: string | undefined
}

export interface GateSession {
  readonly id: string
  readonly technician: string
  /** Begins the record, says so to the technician, and makes the line transparent. */
  open(): Promise<void>
  /** False for what came while the line was not transparent, and is dropped. */
  pass(direction: 'in' | 'out', bytes: Buffer): boolean
  /** On to the other side, where its line can send one, and into the record. */
  passBreak(direction: 'in' | 'out'): void
  /** From this moment on nothing passes. */
  cut(): void
  /** Closes the record; with `finish`, after what was taken has reached the other side. */
  close(reason: string, how: 'finish' | 'cut'): Promise<ClosedRecording | null>
  bytes(): { in: number; out: number }
  mark(): RecordingMark | null
}

/** The one cause that an administrator mends by making room; any other is in the log. */
export function whyStopped(error: unknown, otherwise: string): string {
  return (error as { code?: unknown } | null)?.code === 'storage_exhausted' ? 'storage exhausted' : otherwise
}

export function createGateSession(parts: {
  id: string
  rules: SessionRules
  timers: Timers
  near: KeptLine
  far: KeptLine
  typedAt: number
  recorder: Recorder
  header: RecordingHeader
  greeting: string
  onEvent(event: PortEvent): void
  onGap(error: unknown): void
}): GateSession {
  const { id, rules, timers, near, far, recorder, header, onEvent, onGap } = parts
  const count = { in: 0, out: 0 }
  const findEscape = rules.escape === undefined ? null : createEscapeFinder(rules.escape)
  let opening: Promise<Recording> | null = null
  let recording: Recording | null = null
  let line: SessionLine | null = null
  let over = false
  let lastTyped = 0
  let cancelIdle = () => {}
  let cancelLimit = () => {}

  async function open(): Promise<void> {
    opening = recorder.open(header, { mode: rules.recording, onGap })
    const opened = await opening
    recording = opened
    await wait(restOfLine - (timers.monotonic() - parts.typedAt))
    // Stopped while the record was being made: whoever closes the session closes it too.
    if (over) return
    near.line?.write(Buffer.from(`${parts.greeting}\r\n`))
    // Whatever lies in the driver now was typed behind the credential line: it is read, and dropped.
    await new Promise((resolve) => setImmediate(resolve))
    if (over) return
    lastTyped = timers.monotonic()
    line = createSessionLine({
      recording: opened,
      from: { in: () => near.line, out: () => far.line },
      to: { in: () => far.line, out: () => near.line },
      failed: (error) => onEvent({ type: 'failed', reason: whyStopped(error, 'recording failed') }),
    })
    watchIdle(rules.idle_timeout)
    cancelLimit = timers.after(rules.max_duration, () =>
      onEvent({ type: 'ended', reason: 'max_duration reached' }),
    )
  }

  function wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => (milliseconds > 0 ? timers.after(milliseconds, resolve) : resolve()))
  }

  /** A device may go on talking to nobody: it is the technician who is idle. */
  function watchIdle(left: number): void {
    cancelIdle = timers.after(left, () => {
      const quiet = timers.monotonic() - lastTyped
      if (quiet < rules.idle_timeout) return watchIdle(rules.idle_timeout - quiet)
      const type = rules.on_idle === 'flush' ? 'ended' : 'failed'
      onEvent({ type, reason: 'idle timeout' })
    })
  }

  function passBreak(direction: 'in' | 'out'): void {
    if (line === null || over) return
    if (direction === 'in') lastTyped = timers.monotonic()
    const other = direction === 'in' ? far : near
    // In its turn behind the bytes that came before. A record that fails ends the session by the next bytes,
    // or at its close.
    recording?.event('break', { direction }).then(
      () => over || other.line?.sendBreak(),
      () => {},
    )
  }

  function pass(what: 'in' | 'out', bytes: Buffer): boolean {
    if (line === null || over) return false
    const { length } = bytes
    if (count.in + count.out + length > rules.max_bytes) {
      onEvent({ type: 'ended', reason: 'max_bytes reached' })
      return false
    }
    if (what === 'in') lastTyped = timers.monotonic()
    const escapeAt = what === 'in' && findEscape ? findEscape(bytes) : null
    const passing = escapeAt === null ? bytes : bytes.subarray(0, escapeAt)
    count[what] += passing.length
    if (passing.length > 0) line.pass(what, passing)
    if (escapeAt !== null) onEvent({ type: 'disconnected', reason: 'escape' })
    return true
  }

  return {
    id,
    technician: header.technician.id,
    open,
    pass,
    passBreak,
    cut() {
      over = true
      line?.cut()
    },
    async close(reason, how) {
      over = true
      cancelIdle()
      cancelLimit()
      try {
        if (how === 'finish' && line) await Promise.race([line.drained(), wait(longestDrain)])
        line?.cut()
        // It may still be in the making; one that could not be made has nothing to close.
        const made = await opening?.catch(() => null)
        return made ? await made.close(reason) : null
      } finally {
        // A side that was made to wait for the other is listened to again.
        near.line?.resume()
        far.line?.resume()
      }
    },
    bytes: () => ({ ...count }),
    mark: () => recording?.mark() ?? null,
  }
}
