/** Seconds between one code and the next. */
export const pause = 30

const minute = 60_000

/** The last code that was mailed for one attempt. It outlives the form that it is typed into: each new one voids it. */
export interface Mailed {
  readonly last: { readonly at: number; readonly minutes: number; used: boolean } | null
  note(minutes: number): void
  /** It was right, and is good for nothing more. */
  use(): void
  /** Until when it is good. */
  until(): Date
  /** Seconds until another one may be sent. */
  wait(): number
  /** Whether one is to be sent unasked. */
  isDue(): boolean
}

export function createMailed(): Mailed {
  let last: Mailed['last'] = null
  const until = () => (last === null ? 0 : last.at + last.minutes * minute)
  const wait = () =>
    last === null ? 0 : Math.max(0, Math.ceil((last.at + pause * 1000 - Date.now()) / 1000))
  return {
    get last() {
      return last
    },
    note(minutes) {
      last = { at: Date.now(), minutes, used: false }
    },
    use() {
      if (last) last.used = true
    },
    until: () => new Date(until()),
    wait,
    isDue: () => last === null || (last.used ? wait() === 0 : Date.now() >= until()),
  }
}
