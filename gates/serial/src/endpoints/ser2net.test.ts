import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EndpointConfig } from '../config/endpoint-config.ts'
import type { Endpoint, Signals } from './line.ts'
import { createTcpEndpoint } from './tcp-endpoint.ts'
import { createTtyEndpoint } from './tty-endpoint.ts'

vi.setConfig({ testTimeout: 30_000 })
const eventually = { timeout: 20_000, interval: 25 }

const settings = { baud: 19_200, data_bits: 7, parity: 'even', stop_bits: 2, flow: 'none' } as const
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function plugIn(endpoint: Endpoint) {
  const heard: Buffer[] = []
  const told: (Signals | 'break')[] = []
  const line = await endpoint.open({
    data: (bytes) => heard.push(bytes),
    signals: (signals) => told.push(signals),
    broke: () => told.push('break'),
    lost() {},
  })
  return { line, told, heard: () => Buffer.concat(heard) }
}

/** ser2net, which knows nothing of ours, before a virtual port, and before a server that this test is. */
describe('a device behind ser2net', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ser2net-'))
  const at = (name: string) => join(directory, name)
  const children: ChildProcess[] = []
  const sent: Buffer[] = []
  let behind: Socket | null = null
  const server = createServer((socket) => {
    behind = socket
    socket.on('data', (bytes) => sent.push(bytes)).on('error', () => {})
  })
  const ports = { rfc2217: 0, raw: 0, chained: 0 }
  const endpoint = (port: number, protocol: EndpointConfig['protocol']) =>
    createTcpEndpoint({ path: `tcp://127.0.0.1:${port}`, protocol, ...settings })
  const hexSent = () => Buffer.concat(sent).toString('hex')

  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const name of ['rfc2217', 'raw', 'chained'] as const) ports[name] = await freePort()
    const connection = (name: string, accepter: string, connector: string) =>
      `connection: &${name}\n  accepter: ${accepter}\n  connector: ${connector}\n`
    const port = (name: string) => `serialdev,${at(`${name}-port`)},9600n81,local`
    const config = [
      connection('rfc2217', `telnet(rfc2217),tcp,127.0.0.1,${ports.rfc2217}`, port('rfc2217')),
      connection('raw', `tcp,127.0.0.1,${ports.raw}`, port('raw')),
      connection(
        'chained',
        `telnet(rfc2217),tcp,127.0.0.1,${ports.chained}`,
        `telnet(rfc2217),tcp,127.0.0.1,${(server.address() as AddressInfo).port}`,
      ),
    ]
    writeFileSync(at('ser2net.yaml'), `%YAML 1.1\n---\n${config.join('')}`)
    for (const name of ['rfc2217', 'raw']) {
      const ends = ['port', 'device'].map((end) => `PTY,link=${at(`${name}-${end}`)},rawer`)
      children.push(spawn('socat', ends, { stdio: 'ignore' }))
      await vi.waitFor(() => expect(existsSync(at(`${name}-device`))).toBe(true), eventually)
    }
    const words = ['-n', '-c', at('ser2net.yaml'), '-P', at('pid')]
    children.push(spawn('ser2net', words, { stdio: 'ignore' }))
    const answers = async () => {
      const socket = connect(ports.chained, '127.0.0.1')
      try {
        await once(socket, 'connect')
      } finally {
        socket.destroy()
      }
    }
    await vi.waitFor(answers, eventually)
    // That was a connection too, and ser2net went on to the server behind it: let it be over.
    await vi.waitFor(() => expect(behind?.readableEnded).toBe(true), eventually)
    sent.length = 0
  }, 60_000)
  afterAll(() => {
    for (const child of children) child.kill()
    server.close()
    behind?.destroy()
    rmSync(directory, { recursive: true })
  })

  it.each(['rfc2217', 'raw'] as const)('has every byte both ways, %s', async (protocol) => {
    const near = await plugIn(endpoint(ports[protocol], protocol))
    const device = await plugIn(createTtyEndpoint({ path: at(`${protocol}-device`), ...settings }))
    try {
      if (protocol === 'rfc2217') {
        const shown = () => spawnSync('stty', ['-F', at('rfc2217-port'), '-a'], { encoding: 'utf8' }).stdout
        await vi.waitFor(() => expect(shown()).toMatch(/^speed 19200 baud/), eventually)
      }
      near.line.write(everyByte)
      await vi.waitFor(() => expect(device.heard()).toEqual(everyByte), eventually)
      device.line.write(everyByte)
      await vi.waitFor(() => expect(near.heard()).toEqual(everyByte), eventually)
    } finally {
      near.line.cut()
      device.line.cut()
    }
  })

  it('gets its settings, breaks and modem lines, and tells of its own', async () => {
    const near = await plugIn(endpoint(ports.chained, 'rfc2217'))
    try {
      // RFC 2217: WILL COM-PORT-OPTION; DO; then SET-BAUDRATE 19,200, SET-DATASIZE 7, PARITY even, STOPSIZE 2.
      await vi.waitFor(() => expect(hexSent()).toContain('fffb2c'), eventually)
      behind!.write(Buffer.from('fffd2c', 'hex'))
      for (const set of ['fffa2c0100004b00fff0', 'fffa2c0207fff0', 'fffa2c0303fff0', 'fffa2c0402fff0'])
        await vi.waitFor(() => expect(hexSent()).toContain(set), eventually)
      near.line.sendBreak()
      near.line.drive({ dtr: false, rts: true })
      for (const set of ['fffa2c0505fff0', 'fffa2c0506fff0', 'fffa2c0509fff0', 'fffa2c050bfff0'])
        await vi.waitFor(() => expect(hexSent()).toContain(set), eventually)
      // NOTIFY-MODEMSTATE: CTS, DSR and DCD on, and changed; NOTIFY-LINESTATE: break.
      behind!.write(Buffer.from('fffa2c6bbbfff0fffa2c6a10fff0', 'hex'))
      await vi.waitFor(() => expect(near.told).toContain('break'), eventually)
      expect(near.told).toContainEqual({ cts: true, dsr: true, dcd: true })
    } finally {
      near.line.cut()
    }
  })
})
