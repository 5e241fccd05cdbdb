import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { EndpointConfig } from '../config/endpoint-config.ts'
import type { Line } from './line.ts'
import { createTcpEndpoint } from './tcp-endpoint.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A terminal server as RFC 2217 describes it, written as octets. */
async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    closing.push(() => socket.destroy())
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  closing.push(() => server.close())
  await once(server, 'listening')
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function connect(path: string, protocol: 'raw' | 'rfc2217') {
  const heard: Buffer[] = []
  const { promise: lost, resolve } = Promise.withResolvers<string>()
  const told: unknown[] = []
  const config: EndpointConfig = {
    ...{ path, protocol, baud: 115_200, data_bits: 7, parity: 'even', stop_bits: 2, flow: 'none' },
  }
  const line: Line = await createTcpEndpoint(config).open({
    data: (bytes) => heard.push(bytes),
    lost: resolve,
    signals: (signals) => told.push(signals),
    broke: () => told.push('break'),
  })
  closing.push(() => line.cut())
  return { line, lost, told, heard: () => Buffer.concat(heard) }
}

const collect = (socket: Socket) => {
  const all: Buffer[] = []
  socket.on('data', (bytes: Buffer) => all.push(bytes))
  return () => Buffer.concat(all)
}
const has = (bytes: () => Buffer, hex: string) => expect.poll(() => bytes().toString('hex')).toContain(hex)

describe('a device behind tcp://', () => {
  it('is set up by RFC 2217, and told of breaks and modem lines; every byte passes both ways', async () => {
    let sent = () => Buffer.alloc(0)
    let server!: Socket
    const path = await listen((socket) => {
      server = socket
      sent = collect(socket)
      socket.write(Buffer.from('fffd2cfffb00fffd00fffd18', 'hex'))
    })
    const { line, told, heard } = await connect(path, 'rfc2217')
    await has(sent, 'fffa2c010001c200fff0') // 115,200 baud
    await has(sent, 'fffa2c0207fff0') // 7 bits
    await has(sent, 'fffa2c0303fff0') // even
    await has(sent, 'fffa2c0402fff0') // 2 stop bits
    await has(sent, 'fffc18') // asked for a terminal type: it has none
    line.write(Buffer.from('00ff0d0a', 'hex'))
    await has(sent, '00ffff0d0a')
    line.sendBreak()
    // it lasts: what is written next goes between its beginning and its end
    line.write(Buffer.from('42', 'hex'))
    await has(sent, 'fffa2c0505fff042')
    await has(sent, '42fffa2c0506fff0')
    line.drive({ dtr: false, rts: true })
    await has(sent, 'fffa2c0509fff0fffa2c050bfff0')
    // in pieces, with a notice in the midst of data
    for (const byte of Buffer.from('61ffff62fffa2c6a10fff0fffa2c6bb0fff063', 'hex'))
      server.write(Buffer.from([byte]))
    await has(heard, '61ff6263')
    expect(told).toEqual(['break', { cts: true, dsr: true, dcd: true }])
  })

  it('refuses a server that does not speak it', async () => {
    const path = await listen((socket) => socket.write(Buffer.from('fffe2c', 'hex')))
    await expect(connect(path, 'rfc2217')).rejects.toThrow('does not speak RFC 2217')
  })

  it('carries raw bytes as they are, and says when the connection ends', async () => {
    let server!: Socket
    let sent = () => Buffer.alloc(0)
    const path = await listen((socket) => {
      server = socket
      sent = collect(socket)
    })
    const { line, lost, heard } = await connect(path, 'raw')
    const bytes = randomBytes(200_000)
    line.write(bytes)
    await expect.poll(() => sent().equals(bytes)).toBe(true)
    server.write(bytes)
    await expect.poll(() => heard().equals(bytes)).toBe(true)
    server.destroy()
    expect(await lost).toContain('closed the connection')
  })

  it('is absent when nobody listens', async () => {
    await expect(connect('tcp://127.0.0.1:1', 'raw')).rejects.toThrow('ECONNREFUSED')
  })
})
