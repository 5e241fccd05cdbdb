import type { Endpoint, LineEvents } from './line.ts'

/** A line whose other end is this test. */
export function createLoopback(path: string, { opens = Promise.resolve() } = {}) {
  let events: LineEvents | null = null
  let sent = ''
  const driven: ('break' | { dtr: boolean; rts: boolean })[] = []
  const endpoint: Endpoint = {
    settings: { path },
    async open(given) {
      await opens
      events = given
      return {
        write(bytes, written) {
          sent += Buffer.from(bytes).toString('latin1')
          written?.()
        },
        drive: (signals) => driven.push(signals),
        sendBreak: () => driven.push('break'),
        ...{ pause() {}, resume() {}, cut() {} },
      }
    },
  }
  return {
    endpoint,
    type: (text: string) => events!.data(Buffer.from(text, 'latin1')),
    lose: () => events!.lost('hang-up'),
    break: () => events!.broke(),
    signal: (wired: boolean, dcd = false) => events!.signals({ dsr: wired, cts: wired, dcd }),
    /** What the gate did with its own modem lines, since it was asked last. */
    driven: () => driven.splice(0),
    take() {
      const text = sent
      sent = ''
      return text
    },
  }
}
