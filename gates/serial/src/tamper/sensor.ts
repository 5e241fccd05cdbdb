import type { Timers } from '../timers.ts'

/** One thing to be watched. `docs/extending.md` shows how to write another. */
export interface Sensor {
  readonly id: string
  /** What it measures now. One that throws, or does not answer, is a fault of its own and stops no other. */
  read(): Promise<number>
  /** One that keeps what happened once forgets it: an administrator has looked at it. */
  rearm?(): void
  close?(): void
}

export interface SensorRule {
  sensor: Sensor
  /** At this value and above it is tripped. */
  threshold: number
  /** So long it must be tripped without a break. */
  debounce: number
  every: number
}

export type SensorState = 'quiet' | 'tripped' | 'failed'

export interface SensorWatch {
  states(): Record<string, SensorState>
  /** Those that are tripped still, asked anew. */
  stillTripped(): Promise<string[]>
  stop(): void
}

/** A read that takes longer is a fault. */
const patience = 2_000

/**
 * Polls each sensor by itself. Being tripped is told once, and again only after it was quiet; so is a fault.
 * While a read hangs, no second one is begun: a sensor never holds more than one thread.
 */
export function watchSensors(parts: {
  rules: readonly SensorRule[]
  timers: Timers
  tripped(id: string, value: number): void
  failed(id: string, reason: string): void
  recovered(id: string): void
}): SensorWatch {
  const { rules, timers } = parts
  const states: Record<string, SensorState> = {}
  const cancels = new Map<string, () => void>()
  let stopped = false

  function watch({ sensor, threshold, debounce, every }: SensorRule): void {
    const { id } = sensor
    let since: number | null = null
    states[id] = 'quiet'

    function fail(reason: string): void {
      since = null
      if (states[id] === 'failed' || stopped) return
      states[id] = 'failed'
      parts.failed(id, reason)
    }

    function judge(value: number): void {
      if (stopped) return
      if (!Number.isFinite(value)) throw new Error('it measures no number')
      if (states[id] === 'failed') {
        states[id] = 'quiet'
        parts.recovered(id)
      }
      if (value < threshold) {
        since = null
        states[id] = 'quiet'
        return
      }
      since ??= timers.monotonic()
      if (states[id] === 'tripped' || timers.monotonic() - since < debounce) return
      states[id] = 'tripped'
      parts.tripped(id, value)
    }

    async function look(): Promise<void> {
      const cancel = timers.after(patience, () => fail('it does not answer'))
      try {
        judge(await sensor.read())
      } catch (error) {
        fail((error as NodeJS.ErrnoException).code ?? String((error as Error).message))
      } finally {
        cancel()
      }
      if (!stopped)
        cancels.set(
          id,
          timers.after(every, () => void look()),
        )
    }
    void look()
  }

  for (const rule of rules) watch(rule)
  return {
    states: () => ({ ...states }),
    async stillTripped() {
      const tripped = rules.filter(({ sensor }) => states[sensor.id] === 'tripped')
      const asked = tripped.map(async ({ sensor, threshold }) => {
        sensor.rearm?.()
        const late = new Promise<null>((resolve) => timers.after(patience, () => resolve(null)))
        // One that fails by now is a fault, which stops no line, and is told as such.
        const value = await Promise.race([sensor.read(), late]).catch(() => null)
        return value !== null && value >= threshold ? sensor.id : null
      })
      return (await Promise.all(asked)).filter((id) => id !== null)
    },
    stop() {
      stopped = true
      for (const cancel of cancels.values()) cancel()
      for (const { sensor } of rules) sensor.close?.()
    },
  }
}
