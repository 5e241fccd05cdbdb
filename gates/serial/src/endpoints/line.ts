/** What the other side of a line tells of itself, where it is wired. */
export interface Signals {
  dsr: boolean
  cts: boolean
  dcd: boolean
}

export interface LineEvents {
  data(bytes: Buffer): void
  /** The cable was pulled, the terminal hung up, the connection broke. Said once; the line is of no use then. */
  lost(reason: string): void
  signals(signals: Signals): void
  broke(): void
}

/** One open line. Bytes are read as they come; `pause` makes the sender wait, nothing is lost by it. */
export interface Line {
  /** Calls `written` when the bytes have left this process, in order; never after `cut`. */
  write(bytes: Uint8Array, written?: () => void): void
  pause(): void
  resume(): void
  /** Sets our own modem lines and sends a break, where the line has such. */
  drive(signals: { dtr: boolean; rts: boolean }): void
  sendBreak(): void
  /** Closes at once; what is not sent yet is dropped. */
  cut(): void
}

/** Where a line can be had from. */
export interface Endpoint {
  /** For the header of a recording and for people. */
  readonly settings: Readonly<Record<string, string | number>>
  /** Rejects while there is none: a cable that is not plugged in, a server that does not answer. */
  open(events: LineEvents): Promise<Line>
}

/** How long a break lasts: over one character at the slowest usual rates. */
export const breakLength = 250
