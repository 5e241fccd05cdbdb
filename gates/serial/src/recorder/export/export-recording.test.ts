import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { harmless } from '../harmless.ts'
import { readRecording } from '../read-recording.ts'
import { createWorld, type World } from '../recorder.fixture.ts'
import type { Direction } from '../recording.ts'
import { type ExportFormatName, exportFormats, exportRecording } from './export-recording.ts'

const all256 = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
let world: World
let path: string

beforeAll(async () => {
  world = createWorld()
  const recording = await world.recorder.open(world.header(), { mode: 'strict' })
  await recording.write('out', Buffer.from('login: '))
  await recording.write('in', Buffer.from('é').subarray(0, 1))
  await recording.write('out', Buffer.from('\u001b]0;title\u0007\u009b2J\r\n'))
  await recording.write('in', Buffer.from('é').subarray(1))
  await recording.event('break', { ms: 250 })
  await recording.write('in', all256)
  await recording.write('out', all256)
  path = (await recording.close('technician left')).path
})

afterAll(() => world.remove())

async function exported(format: ExportFormatName, direction?: Direction): Promise<Buffer> {
  const content = await readRecording(path, { publicKey: world.publicKey, auditorKey: world.auditorKey })
  const pieces: Buffer[] = []
  for await (const piece of exportRecording(content, { format, direction })) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

const jsonLines = (bytes: Buffer) =>
  bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('export', () => {
  it('raw is exactly the bytes of the direction', async () => {
    const typed = Buffer.concat([Buffer.from('é'), all256])
    expect((await exported('raw', 'in')).equals(typed)).toBe(true)
    const said = Buffer.concat([Buffer.from('login: \u001b]0;title\u0007\u009b2J\r\n'), all256])
    expect((await exported('raw', 'out')).equals(said)).toBe(true)
  })

  it('asciicast is version 2: a header, and events whose characters are whole', async () => {
    const [head, ...events] = jsonLines(await exported('asciicast'))
    expect(head).toMatchObject({ version: 2, width: 80, height: 24, timestamp: 1_776_244_923 })
    const times = events.map(([time]) => time)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(events.slice(0, 4).map(([, code, text]) => [code, text])).toEqual([
      ['o', 'login: '],
      ['o', '\u001b]0;title\u0007\u009b2J\r\n'],
      ['i', 'é'],
      ['m', 'event {"name":"break","detail":{"ms":250}}'],
    ])
  })

  it('jsonl has a line for the header, every frame and the end, and every byte', async () => {
    const [head, ...lines] = jsonLines(await exported('jsonl'))
    expect(head).toMatchObject({ kind: 'header', session: 'session-1', sealed: true })
    expect(lines.at(-1)).toMatchObject({ kind: 'end', status: 'clean', frames: 7 })
    expect(lines.map(({ frame }) => frame)).toEqual([1, 2, 3, 4, 5, 6, 7, undefined])
    expect(Buffer.from(lines[6].bytes, 'base64').equals(all256)).toBe(true)
    expect(lines[4].detail).toEqual({ name: 'break', detail: { ms: 250 } })
  })

  it('text has nothing in it that a terminal obeys', async () => {
    const text = (await exported('text')).toString()
    expect(text).toContain('clean: 7 frames, closed: technician left')
    expect(text).toContain('␛]0;title␇')
    expect(harmless(text)).toBe(text)
  })

  it('pcapng is what the standard says: blocks of 32-bit words, lengths before and after, options that end', async () => {
    const bytes = await exported('pcapng')
    const packets: { port: number; data: Buffer; at: bigint; flags: number }[] = []
    const names: string[] = []
    const types: number[] = []
    for (let at = 0; at < bytes.length; ) {
      const [type, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
      expect(length % 4).toBe(0)
      expect(bytes.readUInt32LE(at + length - 4)).toBe(length)
      const body = bytes.subarray(at + 8, at + length - 4)
      types.push(type)
      if (type === 0x0a0d0d0a) {
        expect(body.readUInt32LE(0)).toBe(0x1a2b3c4d)
        expect([body.readUInt16LE(4), body.readUInt16LE(6)]).toEqual([1, 0])
        options(body.subarray(16))
      } else if (type === 1) {
        expect(body.readUInt16LE(0)).toBe(147)
        names.push(options(body.subarray(8)).get(2)!.toString())
      } else {
        expect(type).toBe(6)
        const size = body.readUInt32LE(12)
        expect(body.readUInt32LE(16)).toBe(size)
        const end = 20 + Math.ceil(size / 4) * 4
        const flags = options(body.subarray(end)).get(2)!.readUInt32LE()
        const micros = (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8))
        packets.push({ port: body.readUInt32LE(0), data: body.subarray(20, 20 + size), at: micros, flags })
      }
      at += length
    }
    expect(types.slice(0, 3)).toEqual([0x0a0d0d0a, 1, 1])
    expect(names).toEqual(['in', 'out'])
    expect(packets.map(({ port, flags }) => [port, flags])).toEqual(
      [1, 0, 1, 0, 0, 1].map((port) => [port, port === 0 ? 1 : 2]),
    )
    expect(packets.at(-1)!.data.equals(all256)).toBe(true)
    expect(packets[0]!.at / 1_000_000n).toBe(1_776_244_923n)
  })

  it.each(exportFormats)(
    '%s is refused of a sealed recording without the key, or with another',
    async (format) => {
      const other = createWorld()
      for (const auditorKey of [undefined, other.auditorKey]) {
        const opened = readRecording(path, { publicKey: world.publicKey, ...(auditorKey && { auditorKey }) })
        await expect(
          opened.then((content) => exportRecording(content, { format }).next()),
        ).rejects.toMatchObject({
          code: 'invalid_input',
          message: expect.stringMatching(/is sealed|does not open it/),
        })
      }
      other.remove()
    },
  )
})

/** RFC-like `code, length, value padded to a word` until code 0. */
function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; ; ) {
    const [code, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)]
    if (code === 0) {
      expect([length, at + 4]).toEqual([0, bytes.length])
      return found
    }
    found.set(code, bytes.subarray(at + 4, at + 4 + length))
    at += 4 + Math.ceil(length / 4) * 4
  }
}
