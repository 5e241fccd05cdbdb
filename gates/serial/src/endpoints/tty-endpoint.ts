import { execFile } from 'node:child_process'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import type { EndpointConfig } from '../config/endpoint-config.ts'
import { readBreakMarks } from './break-marks.ts'
import { breakLength, type Endpoint, type Line, type LineEvents, type Signals } from './line.ts'

const run = promisify(execFile)
const pollEvery = 50
const sttyTimeout = 5_000
/** What a terminal of Linux has ready at most. One buffer a line: none is made for each read. */
const readSize = 4096

/**
 * A serial port or a pseudo-terminal. Bytes are read by libuv's terminal stream and written at once where the
 * driver has room, for a shorter and steadier round trip than that of the serialport package (decision 0012);
 * the package is used for what a stream cannot do on a real port: its rate and framing, its modem lines,
 * breaks, and dropping what waits in the driver.
 */
export function createTtyEndpoint(config: EndpointConfig): Endpoint {
  const { path, baud, data_bits, parity, stop_bits, flow } = config
  return {
    settings: { path, baud, data_bits, parity, stop_bits, flow },
    async open(given) {
      if (!(await stat(path)).isCharacterDevice()) throw new Error(`${path} is no serial port`)
      const pseudo = (await realpath(path)).startsWith('/dev/pts/')
      // The package throws away what has arrived as it opens; a pseudo-terminal keeps what was typed before.
      const port = pseudo ? null : await openPort(config)
      const events = pseudo ? given : readBreakMarks(given)
      try {
        if (!pseudo) await setTerminal(path, ['parmrk', '-ignbrk', '-brkint'])
        if (pseudo) await setTerminal(path, ['raw', '-echo', flow === 'xonxoff' ? 'ixon' : '-ixon'])
        return startLine({ path, port, events, flow })
      } catch (error) {
        await port?.close()
        throw error
      }
    },
  }
}

/** At once: what an earlier session left unsent may wait for ever on a side that does not read. */
async function setTerminal(path: string, modes: string[]): Promise<void> {
  await run('stty', ['-F', path, '-drain', ...modes], { timeout: sttyTimeout })
}

type Port = Awaited<ReturnType<typeof openPort>>

async function openPort({ path, baud, data_bits, parity, stop_bits, flow }: EndpointConfig) {
  const { SerialPort } = await import('serialport')
  return SerialPort.binding.open({
    ...{ path, baudRate: baud, dataBits: data_bits, parity, stopBits: stop_bits },
    ...{ rtscts: flow === 'rtscts', xon: flow === 'xonxoff', xoff: flow === 'xonxoff' },
    // the stream below opens the same port a second time
    lock: false,
    // the package's type asks for what every system can do at once
  } as never)
}

function startLine(parts: {
  path: string
  port: Port | null
  events: LineEvents
  flow: EndpointConfig['flow']
}): Line {
  const { path, port, events, flow } = parts
  const quietly = (work: Promise<unknown> | undefined) => void work?.catch(() => {})
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  let closed = false
  const stream = openStream(fd, (bytes) => closed || events.data(bytes))
  const end = (reason: string | null) => {
    if (closed) return
    closed = true
    poll?.stop()
    stream.destroy()
    // The stream reads through a descriptor of its own.
    closeSync(fd)
    if (port) quietly(port.flush().finally(() => port.close()))
    if (reason !== null) events.lost(reason)
  }
  const poll = port && pollSignals(port, events)
  stream.on('error', (error: NodeJS.ErrnoException) =>
    end(error.code === 'EIO' ? 'hang-up' : String(error.code)),
  )
  stream.on('end', () => end('hang-up'))
  stream.on('close', () => end('hang-up'))
  stream.resume()
  return {
    write(bytes, written) {
      if (closed) return
      // What the driver has no room for, and everything behind it, goes through the stream's queue.
      const taken = stream.writableLength === 0 ? writeNow(fd, bytes) : 0
      if (taken === bytes.length) written?.()
      else stream.write(bytes.subarray(taken), (error) => error || closed || written?.())
    },
    pause: () => void stream.pause(),
    resume: () => void (closed || stream.resume()),
    drive: ({ dtr, rts }) => quietly(port?.set(flow === 'rtscts' ? { dtr } : { dtr, rts })),
    sendBreak: () => quietly(port?.set({ brk: true }).then(() => endBreak(port))),
    cut: () => end(null),
  }
}

function openStream(fd: number, take: (bytes: Buffer) => void): ReadStream {
  try {
    return new ReadStream(fd, {
      onread: {
        buffer: Buffer.allocUnsafeSlow(readSize),
        callback(length, buffer) {
          take(Buffer.from(buffer.subarray(0, length)))
          return true
        },
      },
    })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** How much the driver takes without waiting. A line that is lost takes nothing: its stream will say so. */
function writeNow(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes)
  } catch {
    return 0
  }
}

async function endBreak(port: Port): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, breakLength))
  await port.set({ brk: false })
}

/** A port cannot be waited on for its modem lines. One that has none (a USB adapter may) is asked once. */
function pollSignals(port: Port, events: LineEvents): { stop(): void } {
  let before: Signals | null = null
  let timer: NodeJS.Timeout | null = null
  let stopped = false
  const look = async () => {
    const { dsr, cts, dcd } = await port.get()
    if (stopped) return
    if (before?.dsr !== dsr || before.cts !== cts || before.dcd !== dcd) events.signals({ dsr, cts, dcd })
    before = { dsr, cts, dcd }
    timer = setTimeout(() => look().catch(() => {}), pollEvery)
  }
  look().catch(() => {})
  return {
    stop() {
      stopped = true
      if (timer) clearTimeout(timer)
    },
  }
}
