import type { Timers } from '../timers.ts'
import type { Endpoint, Line, LineEvents } from './line.ts'

const retryAfter = 500

export interface KeptLine {
  /** The line, while there is one. */
  readonly line: Line | null
  /** The first try at opening it has ended, one way or the other. */
  readonly tried: Promise<void>
  /** Drops the line at once, with what it holds; it is opened again unless `stop` was called. */
  cut(): void
  stop(): void
}

/** Keeps an endpoint open: one that is absent, or gets lost, is tried again until it is there. */
export function keepLine(
  endpoint: Endpoint,
  parts: { events: LineEvents; timers: Timers; log: (facts: object, message: string) => void },
): KeptLine {
  const { events, timers, log } = parts
  const name = endpoint.settings.path
  let line: Line | null = null
  let stopped = false
  let told: string | null = null
  let cancel = () => {}

  function say(message: string): void {
    if (told === message) return
    told = message
    log({ endpoint: name }, message)
  }

  async function open(): Promise<void> {
    let mine: Line | null = null
    let lostAtOnce: string | null = null
    try {
      const opened = await endpoint.open({
        data: (bytes) => events.data(bytes),
        signals: (signals) => events.signals(signals),
        broke: () => events.broke(),
        lost(reason) {
          if (mine === null) lostAtOnce = reason
          if (mine === null || line !== mine) return
          line = null
          say(`lost: ${reason}`)
          events.lost(reason)
          retry()
        },
      })
      if (lostAtOnce !== null) throw new Error(lostAtOnce)
      mine = opened
      if (stopped) return opened.cut()
      line = opened
      say('open')
    } catch (error) {
      say(`absent: ${(error as Error).message}`)
      retry()
    }
  }

  function retry(): void {
    if (!stopped) cancel = timers.after(retryAfter, () => void open())
  }

  function cut(): void {
    const had = line
    line = null
    had?.cut()
  }

  const tried = open()
  return {
    tried,
    get line() {
      return line
    },
    cut() {
      if (line === null) return
      cut()
      retry()
    },
    stop() {
      stopped = true
      cancel()
      cut()
    },
  }
}
