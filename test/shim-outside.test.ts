import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDirectory, sallyportJson } from './support/cli.ts'
import { type Bench, codeOf, makeBench, type Plug, passGate, plugIn, until } from './support/shim.ts'
import { makeSiemCertificates } from './support/siem-certificates.ts'
import { openSlowLink } from './support/slow-link.ts'
import { makeRsyslog, type SyslogReceiver } from './support/syslog-receivers.ts'

vi.setConfig({ testTimeout: 120_000 })

const field = (line: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(line)?.[1] ?? ''
const isAlert = (line: string) => / - (tamper\.detected|sensor\.failed|line\.stopped) \[/.test(line)

describe('a gate that dials out to a SIEM and to a terminal server', () => {
  const directory = makeDirectory()
  const at = (name: string) => `${directory.path}/${name}`
  let receiver: SyslogReceiver
  let bench: Bench
  let near: Plug
  let device: Socket | null = null
  const terminalServer = createServer((socket) => {
    device = socket
    // Telnet's DO COM-PORT-OPTION: it speaks RFC 2217.
    socket.on('error', () => {}).write(Buffer.from('fffd2c', 'hex'))
  })

  beforeAll(async () => {
    makeSiemCertificates(directory.path)
    receiver = await makeRsyslog(directory.path, 'received.log')
    await receiver.start()
    terminalServer.listen(0, '127.0.0.1')
    await once(terminalServer, 'listening')
    const { port } = terminalServer.address() as AddressInfo
    const files = { ca_file: at('ca.pem'), cert_file: at('client.pem'), key_file: at('client.key') }
    bench = makeBench((here) => ({
      ports: [
        {
          id: 'service',
          technician: here('gate-near'),
          device: { path: `tcp://127.0.0.1:${port}`, protocol: 'rfc2217' },
        },
      ],
      siem: { transport: 'tls', address: `localhost:${receiver.port}`, tls: files, sessions: 'full' },
      tamper: {
        heartbeat: '500ms',
        response: 'alert',
        sensors: [{ id: 'case', type: 'file', path: here('opened') }],
      },
    }))
    await bench.cable('near', 'gate-near')
    await bench.start()
    near = await plugIn(bench.at('near'))
  }, 60_000)
  afterAll(async () => {
    await bench.remove()
    await receiver.stop('SIGKILL')
    device?.destroy()
    terminalServer.close()
    directory.remove()
  })

  it('has no socket that listens, by `ss` and by /proc', async () => {
    await passGate(near, 'alice')
    await until('events at the SIEM', () => receiver.lines().length > 5)
    const shown = spawnSync('ss', ['-H', '-l', '-t', '-u', '-w', '-0', '-n', '-p'], { encoding: 'utf8' })
    expect(shown.status).toBe(0)
    expect(shown.stdout.split('\n').filter((line) => line.includes(`pid=${bench.pid()},`))).toEqual([])
    const open = readdirSync(`/proc/${bench.pid()}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${bench.pid()}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
    const listening = (table: string) =>
      readFileSync(`/proc/${bench.pid()}/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        // Of TCP's, those in state LISTEN; of the others, all that there are.
        .filter((cells) => open.includes(cells[9]!) && (!table.startsWith('tcp') || cells[3] === '0A'))
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'])
      expect(listening(table), table).toEqual([])
    // What is looked at there is seen: the line to the terminal server is one of them.
    expect(readFileSync(`/proc/${bench.pid()}/net/tcp`, 'utf8')).toMatch(new RegExp(` (${open.join('|')}) `))
    await bench.control('close', { reason: 'seen' })
    await bench.state('IDLE')
  })

  it('loses nothing while the SIEM is away, comes and goes, or is killed, and sends alerts first', async () => {
    const trip = async () => {
      const count = () => readdirSync(bench.at('data/alerts')).length
      const before = count()
      writeFileSync(bench.at('opened'), '')
      await until('the alert', () => count() > before)
      rmSync(bench.at('opened'))
      await until('the sensor at rest', () => {
        const log = readdirSync(bench.at('data/heartbeats')).sort().at(-1)
        if (log === undefined) return false
        const last = readFileSync(bench.at(`data/heartbeats/${log}`), 'utf8')
          .trimEnd()
          .split('\n')
          .at(-1)!
        return JSON.parse(last).sensors.case === 'quiet'
      })
    }
    await receiver.stop()
    const before = receiver.lines().length
    near.forget()
    await passGate(near, 'bob')
    await bench.control('close', { reason: 'while it was away' })
    await trip()
    await receiver.start()
    await until('what waited', () => receiver.lines().length > before + 5)
    const first = receiver
      .lines()
      .slice(before)
      .find((line) => !/ id="recording:/.test(line))!
    expect(isAlert(first), first).toBe(true)
    await receiver.stop()
    await trip()
    await receiver.start()
    await receiver.stop('SIGKILL')
    await trip()
    await receiver.start()
    await bench.stop('SIGKILL')
    await bench.start()

    const entries = () => {
      const numbers = receiver.lines().flatMap((line) => / id="[\w-]{22}:(\d+)"/.exec(line)?.[1] ?? [])
      return new Set(numbers.map(Number))
    }
    await until('every entry of the ledger', async () => {
      const head = Math.max(...entries())
      return head > 0 && entries().size === head && receiver.lines().filter(isAlert).length >= 3
    })
    expect(
      new Set(
        receiver
          .lines()
          .filter(isAlert)
          .map((line) => field(line, 'id')),
      ).size,
    ).toBe(3)
  })
})

describe('a gate whose SIEM is slow', () => {
  const directory = makeDirectory()
  const at = (name: string) => `${directory.path}/${name}`
  let receiver: SyslogReceiver
  let link: Awaited<ReturnType<typeof openSlowLink>>
  let bench: Bench
  afterAll(async () => {
    await bench?.remove()
    link?.close()
    await receiver?.stop('SIGKILL')
    directory.remove()
  })

  it('sends a recording whole in the end, and an alert ahead of what waits of it', async () => {
    makeSiemCertificates(directory.path)
    receiver = await makeRsyslog(directory.path, 'received.log')
    await receiver.start()
    link = await openSlowLink(receiver.port)
    const files = { ca_file: at('ca.pem'), cert_file: at('client.pem'), key_file: at('client.key') }
    bench = makeBench((here) => ({
      siem: { transport: 'tls', address: `localhost:${link.port}`, tls: files, sessions: 'full' },
      tamper: { response: 'alert', sensors: [{ id: 'case', type: 'file', path: here('opened') }] },
    }))
    await bench.cable('near', 'gate-near')
    await bench.cable('far', 'gate-far')
    await bench.start()
    const [near, far] = [await plugIn(bench.at('near')), await plugIn(bench.at('far'))]
    const session = await passGate(near, 'alice')
    far.type(randomBytes(100_000))
    await until('the bytes', async () => (await bench.port()).bytes_out === 100_000)
    await bench.control('close', { reason: 'enough' })
    const parts = () => receiver.lines().filter((line) => line.includes(` id="recording:${session}:`))
    const places = () => new Set(parts().map((line) => Number(field(line, 'offset'))))
    await until('the first of the recording', () => places().size > 0)
    const length = Number(field(parts()[0]!, 'size'))
    const many = Math.ceil(length / 3_750)
    expect(places().size).toBeLessThan(many)
    writeFileSync(bench.at('opened'), '')
    await until('all of the recording', () => places().size === many)
    expect(Math.max(...places())).toBe(3_750 * (many - 1))
    const lines = receiver.lines()
    const lastPart = lines.findLastIndex((line) => line.includes(` id="recording:${session}:`))
    expect(lines.findIndex(isAlert)).toBeLessThan(lastPart)
    expect(lines.filter(isAlert)).toHaveLength(1)
  })
})

describe('a gate whose room for recordings is used up', () => {
  let bench: Bench
  afterAll(() => bench.remove())

  it('stops the line rather than forget, says why, and keeps what it has', async () => {
    bench = makeBench((here) => ({ storage: { dir: here('data'), max_total: '200kB' } }))
    await bench.cable('near', 'gate-near')
    await bench.cable('far', 'gate-far')
    await bench.start()
    const near = await plugIn(bench.at('near'))
    const far = await plugIn(bench.at('far'))
    const session = await passGate(near, 'alice')
    far.type(Buffer.alloc(300_000, 'x'))
    // How much room is left is asked about once a second: something must still be said then.
    await until('the stop', async () => {
      near.type('.')
      return (await bench.port()).state === 'EMERGENCY_STOP'
    })
    await near.expect('EMERGENCY STOP: storage exhausted.')
    expect(await bench.control('reset', { reason: 'none of it was copied away yet' })).toEqual({
      reset: ['service'],
    })
    await until('the device', async () => (await bench.port()).endpoints.device === 'open')
    near.forget()
    near.type('\r')
    await until('the prompt', () => near.text().endsWith('> '))
    // The next session cannot be recorded at all, and so never opens.
    near.type(`bob@example.org ${codeOf('bob')}\r`)
    expect(await near.expect('EMERGENCY STOP: storage exhausted.')).not.toContain('Authenticated')
    const { recordings } = await sallyportJson<{ recordings: { session: string; status: string }[] }>([
      ...['recording', 'verify', bench.at('data')],
    ])
    expect(recordings).toMatchObject([{ session, status: 'clean' }])
  })
})
