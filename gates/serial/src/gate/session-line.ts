import type { Line } from '../endpoints/line.ts'
import type { Direction, Recording } from '../recorder/recording.ts'

/**
 * In flight in one direction, between being read and being taken by the other side: above it the sender waits.
 * Generous, because relays that copy both ways in one thread (socat, terminal servers) block on a full side,
 * and two of them would wait for one another through us.
 */
const mostInFlight = 16 * 1024 * 1024
const goOnBelow = 4 * 1024 * 1024

export interface SessionLine {
  /** Records what came in from one side, then passes it on to the other. */
  pass(direction: Direction, bytes: Uint8Array): void
  /** Resolves when everything taken so far has reached the other side. */
  drained(): Promise<void>
  /** From this moment on nothing passes, recorded or not. */
  cut(): void
}

/**
 * The transparent line of one session. Nothing is passed on before the recorder has it (P6); the order of
 * each direction is the order of arrival, and a side that is slow to read makes the other wait.
 */
export function createSessionLine(parts: {
  recording: Recording
  /** Where each direction comes from and goes to, while they are there. */
  from: Record<Direction, () => Line | null>
  to: Record<Direction, () => Line | null>
  failed(error: unknown): void
}): SessionLine {
  const { recording, from, to, failed } = parts
  const inFlight = { in: 0, out: 0 }
  let waiting: (() => void)[] = []
  let isCut = false

  function arrived(direction: Direction, length: number): void {
    inFlight[direction] -= length
    if (!isCut && inFlight[direction] <= goOnBelow) from[direction]()?.resume()
    if (inFlight.in > 0 || inFlight.out > 0) return
    for (const resolve of waiting.splice(0)) resolve()
  }

  return {
    pass(direction, bytes) {
      if (isCut) return
      const { length } = bytes
      inFlight[direction] += length
      if (inFlight[direction] > mostInFlight) from[direction]()?.pause()
      // Chunks are settled in the order in which they were handed over.
      recording.pass(direction, bytes, (refusal) => {
        if (isCut) return
        if (refusal === null) to[direction]()?.write(bytes, () => arrived(direction, length))
        else {
          isCut = true
          failed(refusal)
        }
      })
    },
    drained: () =>
      new Promise((resolve) => {
        if (isCut || (inFlight.in === 0 && inFlight.out === 0)) resolve()
        else waiting.push(resolve)
      }),
    cut() {
      isCut = true
      for (const resolve of waiting.splice(0)) resolve()
      waiting = []
    },
  }
}
