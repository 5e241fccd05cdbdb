import { setTimeout as wait } from 'node:timers/promises'
import type { Frame } from './frame.ts'
import { createHarmlessDecoder, harmlessLine } from './harmless.ts'
import type { RecordingContent } from './read-recording.ts'
import type { Direction } from './recording.ts'

export interface PlayOptions {
  /** What is shown: what the device said, by default, in which the technician's typing is echoed. */
  direction: Direction | 'both'
  /** Times as fast as it happened; `Infinity` waits for nothing. */
  speed: number
  /** Gives the terminal the bytes as they were, control sequences and all. */
  raw: boolean
  write(piece: string | Uint8Array): void | Promise<void>
  /** Milliseconds since any moment. */
  monotonic(): number
  signal?: AbortSignal
}

/** Plays a recording in a terminal. Events and gaps are lines of their own. */
export async function playRecording({ frames }: RecordingContent, options: PlayOptions): Promise<void> {
  const { direction, speed, raw, write, monotonic, signal } = options
  const decoders = { in: createHarmlessDecoder(), out: createHarmlessDecoder() }
  const begun = monotonic()

  function shown({ kind, bytes }: Frame): string | Uint8Array {
    if (kind === 'event' || kind === 'gap') return `\n── ${kind} ${harmlessLine(bytes.toString())} ──\n`
    return raw ? bytes : decoders[kind].push(bytes)
  }

  for await (const frame of frames) {
    const { kind, elapsed } = frame
    if ((kind === 'in' || kind === 'out') && direction !== 'both' && kind !== direction) continue
    const early = begun + elapsed / 1000 / speed - monotonic()
    if (early >= 1) await wait(early, undefined, { signal })
    await write(shown(frame))
  }
  await write(decoders.in.end() + decoders.out.end())
}
