import type { KeptLine } from '../endpoints/keep-line.ts'
import type { Signals } from '../endpoints/line.ts'

const none: Signals = { dsr: false, cts: false, dcd: false }

export interface ModemLines {
  /** What the technician's computer tells by its modem lines. */
  heard(signals: Signals): void
  /** The technician's line is gone, and with it all that was known of its modem lines. */
  lost(): void
  /** The device's own lines become those of the technician's computer: a session opens. */
  drive(): void
}

/** What the modem lines of the technician's side say of who is there, and what the device sees of them. */
export function createModemLines(parts: {
  far: KeptLine
  sessionIsOpen(): boolean
  came(): void
  went(): void
}): ModemLines {
  const { far, sessionIsOpen, came, went } = parts
  let last = none
  /** One of them was up: over a cable of three wires none ever is, and the device keeps what its port has. */
  let wired = false

  function drive(): void {
    if (wired) far.line?.drive({ dtr: last.dsr, rts: last.cts })
  }

  return {
    drive,
    heard(signals) {
      const before = last
      last = signals
      wired ||= signals.dsr || signals.cts || signals.dcd
      // Either may be wired, or both, and one of them to a plug that never drops it: the other one counts.
      if ((before.dsr && !signals.dsr) || (before.dcd && !signals.dcd)) went()
      else if ((!before.dsr && signals.dsr) || (!before.dcd && signals.dcd)) came()
      if (sessionIsOpen()) drive()
    },
    lost() {
      last = none
      wired = false
    },
  }
}
