import type { LineEvents } from './line.ts'

const mark = 0xff

/**
 * Reads a port whose driver marks breaks in its stream. POSIX, 11.2.2, PARMRK without IGNBRK and BRKINT: a break
 * is `ff 00 00`, a byte with an error `ff 00` and the byte, and a byte `ff` comes twice.
 */
export function readBreakMarks(events: LineEvents): LineEvents {
  let seen: 'nothing' | 'mark' | 'zero' = 'nothing'

  function data(bytes: Buffer): void {
    if (seen === 'nothing' && !bytes.includes(mark)) {
      events.data(bytes)
      return
    }
    let plain: number[] = []
    const pass = () => {
      if (plain.length > 0) events.data(Buffer.from(plain))
      plain = []
    }
    for (const byte of bytes) {
      const before = seen
      seen = 'nothing'
      if (before === 'nothing' && byte === mark) seen = 'mark'
      else if (before === 'mark' && byte === 0) seen = 'zero'
      else if (before === 'zero' && byte === 0) {
        pass()
        events.broke()
      } else plain.push(byte)
    }
    pass()
  }

  return {
    data,
    lost: (reason) => events.lost(reason),
    signals: (signals) => events.signals(signals),
    broke: () => events.broke(),
  }
}
