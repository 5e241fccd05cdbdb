import type { EndpointConfig } from '../config/endpoint-config.ts'
import type { LineEvents } from './line.ts'

/** RFC 854 and RFC 2217, section 2, as much as a client of a terminal server needs. */
const telnet = { se: 240, sb: 250, will: 251, wont: 252, do: 253, dont: 254, iac: 255 }
const option = { binary: 0, suppressGoAhead: 3, comPort: 44 }
const command = { baud: 1, dataSize: 2, parity: 3, stopSize: 4, control: 5, lineMask: 10, modemMask: 11 }
const notice = { lineState: 106, modemState: 107 }
const control = {
  noFlow: 1,
  xonXoff: 2,
  rtsCts: 3,
  breakOn: 5,
  breakOff: 6,
  dtrOn: 8,
  dtrOff: 9,
  rtsOn: 11,
  rtsOff: 12,
}
const parities = { none: 1, odd: 2, even: 3, mark: 4, space: 5 }
const stopSizes = { 1: 1, 2: 2, 1.5: 3 }
const flows = { none: control.noFlow, xonxoff: control.xonXoff, rtscts: control.rtsCts }
const breakDetected = 16
const modem = { cts: 16, dsr: 32, dcd: 128 }

/** A notice has one byte; a server that never ends one is not listened to. */
const longestNotice = 64

export interface Rfc2217 {
  readonly greeting: Uint8Array
  encode(bytes: Uint8Array): Uint8Array
  decode(bytes: Uint8Array): void
  drive(signals: { dtr: boolean; rts: boolean }): Uint8Array
  /** A break lasts from one to the other. */
  beginBreak(): Uint8Array
  endBreak(): Uint8Array
}

interface Events extends Omit<LineEvents, 'lost'> {
  send(bytes: Uint8Array): void
  /** The server speaks the protocol, and was told the line's settings. */
  ready(): void
  refused(error: Error): void
}

const subnegotiation = (code: number, ...value: number[]): number[] => [
  ...[telnet.iac, telnet.sb, option.comPort, code],
  ...value.flatMap((byte) => (byte === telnet.iac ? [byte, byte] : [byte])),
  ...[telnet.iac, telnet.se],
]

/** Both ways eight bits, no line ends made up; and the port itself is to be set. */
const greeting = Uint8Array.from([
  ...[telnet.iac, telnet.will, option.binary, telnet.iac, telnet.do, option.binary],
  ...[telnet.iac, telnet.will, option.suppressGoAhead, telnet.iac, telnet.do, option.suppressGoAhead],
  ...[telnet.iac, telnet.will, option.comPort],
])

export function createRfc2217(config: EndpointConfig, events: Events): Rfc2217 {
  const handlers = {
    byte: inData,
    iac: afterIac,
    option: afterVerb,
    notice: inNotice,
    noticeIac: afterNoticeIac,
  }
  let at: keyof typeof handlers = 'byte'
  let verb = 0
  let collected: number[] = []
  let data: number[] = []

  function inData(byte: number): void {
    if (byte === telnet.iac) at = 'iac'
    else data.push(byte)
  }

  function afterIac(byte: number): void {
    at = 'byte'
    if (byte === telnet.iac) data.push(byte)
    else if (byte === telnet.sb) {
      at = 'notice'
      collected = []
    } else if (byte >= telnet.will && byte <= telnet.dont) {
      verb = byte
      at = 'option'
    }
  }

  function afterVerb(named: number): void {
    at = 'byte'
    const asked = named === option.binary || named === option.suppressGoAhead
    if (named === option.comPort && verb === telnet.do) {
      events.send(settingsOf(config))
      events.ready()
    } else if (named === option.comPort && verb === telnet.dont) {
      events.refused(new Error(`${config.path} does not speak RFC 2217: say \`protocol: raw\``))
    } else if (!asked && verb === telnet.do) events.send(Uint8Array.from([telnet.iac, telnet.wont, named]))
    else if (!asked && verb === telnet.will) events.send(Uint8Array.from([telnet.iac, telnet.dont, named]))
  }

  function inNotice(byte: number): void {
    if (byte === telnet.iac) at = 'noticeIac'
    else if (collected.length < longestNotice) collected.push(byte)
  }

  function afterNoticeIac(byte: number): void {
    at = byte === telnet.se ? 'byte' : 'notice'
    if (byte === telnet.iac) collected.push(byte)
    if (byte !== telnet.se) return
    const [named, code, value = 0] = collected
    if (named !== option.comPort) return
    if (code === notice.lineState && value & breakDetected) events.broke()
    if (code !== notice.modemState) return
    events.signals({
      cts: (value & modem.cts) !== 0,
      dsr: (value & modem.dsr) !== 0,
      dcd: (value & modem.dcd) !== 0,
    })
  }

  return {
    greeting,
    encode: doubled,
    decode(bytes) {
      for (const byte of bytes) handlers[at](byte)
      if (data.length === 0) return
      const whole = Buffer.from(data)
      data = []
      events.data(whole)
    },
    drive: ({ dtr, rts }) =>
      Uint8Array.from([
        ...subnegotiation(command.control, dtr ? control.dtrOn : control.dtrOff),
        ...(config.flow === 'rtscts'
          ? []
          : subnegotiation(command.control, rts ? control.rtsOn : control.rtsOff)),
      ]),
    beginBreak: () => Uint8Array.from(subnegotiation(command.control, control.breakOn)),
    endBreak: () => Uint8Array.from(subnegotiation(command.control, control.breakOff)),
  }
}

/** A data byte 255 goes twice. Most chunks hold none, and go as they are. */
function doubled(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(telnet.iac)) return bytes
  const out: number[] = []
  for (const byte of bytes) {
    if (byte === telnet.iac) out.push(byte)
    out.push(byte)
  }
  return Uint8Array.from(out)
}

function settingsOf({ baud, data_bits, parity, stop_bits, flow }: EndpointConfig): Uint8Array {
  const rate = [24, 16, 8, 0].map((shift) => (baud >>> shift) & 0xff)
  return Uint8Array.from([
    ...subnegotiation(command.baud, ...rate),
    ...subnegotiation(command.dataSize, data_bits),
    ...subnegotiation(command.parity, parities[parity]),
    ...subnegotiation(command.stopSize, stopSizes[stop_bits]),
    ...subnegotiation(command.control, flows[flow]),
    ...subnegotiation(command.lineMask, breakDetected),
    ...subnegotiation(command.modemMask, 0xff),
  ])
}
