import { connect, type Socket } from 'node:net'
import { type EndpointConfig, tcpAddressOf } from '../config/endpoint-config.ts'
import { breakLength, type Endpoint, type Line, type LineEvents } from './line.ts'
import { createRfc2217, type Rfc2217 } from './rfc2217.ts'

const connectTimeout = 10_000
const aliveAfter = 10_000

/** A device behind a terminal server: its bytes as they are, or in RFC 2217 with its line's settings. */
export function createTcpEndpoint(config: EndpointConfig): Endpoint {
  const { path, protocol = 'raw', baud, data_bits, parity, stop_bits, flow } = config
  const line = protocol === 'raw' ? {} : { baud, data_bits, parity, stop_bits, flow }
  return {
    settings: { path, protocol, ...line },
    open: (events) =>
      new Promise((resolve, reject) => {
        const socket = connect({ ...tcpAddressOf(path), noDelay: true, keepAlive: true })
        socket.setKeepAlive(true, aliveAfter)
        socket.setTimeout(connectTimeout, () => socket.destroy(new Error(`${path} does not answer`)))
        const ready = (opened: Line) => {
          socket.setTimeout(0)
          resolve(opened)
        }
        startLine({ socket, events, config, ready, failed: reject })
      }),
  }
}

function startLine(parts: {
  socket: Socket
  events: LineEvents
  config: EndpointConfig
  ready: (line: Line) => void
  failed: (error: Error) => void
}): void {
  const { socket, events, config, ready, failed } = parts
  let telnet: Rfc2217 | null = null
  let state: 'opening' | 'open' | 'closed' = 'opening'
  const send = (bytes: Uint8Array) => void (state === 'closed' || socket.write(bytes))
  const line: Line = {
    write(bytes, written) {
      if (state === 'closed') return
      socket.write(
        telnet ? telnet.encode(bytes) : bytes,
        (error) => error || state === 'closed' || written?.(),
      )
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    drive: (signals) => telnet && send(telnet.drive(signals)),
    sendBreak() {
      const spoken = telnet
      if (spoken === null) return
      send(spoken.beginBreak())
      setTimeout(() => send(spoken.endBreak()), breakLength)
    },
    cut() {
      state = 'closed'
      socket.destroy()
    },
  }
  const open = () => {
    if (state !== 'opening') return
    state = 'open'
    ready(line)
  }
  const end = (error: Error) => {
    const before = state
    state = 'closed'
    socket.destroy()
    if (before === 'opening') failed(error)
    if (before === 'open') events.lost(error.message)
  }
  socket.on('connect', () => {
    if (config.protocol !== 'rfc2217') return open()
    telnet = createRfc2217(config, { ...events, send, ready: open, refused: end })
    send(telnet.greeting)
  })
  socket.on('data', (bytes) => {
    if (telnet) telnet.decode(bytes)
    else events.data(bytes)
  })
  socket.on('error', end)
  socket.on('close', () => end(new Error(`${config.path} closed the connection`)))
}
