import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sallyport } from './support/cli.ts'
import { type Bench, makeBench, type Plug, passGate, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 120_000 })

const megabyte = 1_000_000
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

let bench: Bench
let near: Plug
let far: Plug
afterEach(() => bench.remove())

async function open(recording: string): Promise<void> {
  bench = makeBench({ session: { recording } })
  await bench.cable('near', 'gate-near')
  await bench.cable('far', 'gate-far')
  await bench.start()
  near = await plugIn(bench.at('near'))
  far = await plugIn(bench.at('far'))
  far.type('before')
  await passGate(near, 'alice')
  expect(far.seen()).toHaveLength(0)
  near.forget()
}

const residentMegabytes = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bench.pid()}/status`, 'utf8'))![1]) / 1024

describe('a line under load', () => {
  it.each(['strict', 'best-effort'])(
    'carries 10 MB each way at once, and records it, when %s',
    async (mode) => {
      await open(mode)
      const [up, down] = [10, 10].map((size) => Buffer.concat([everyByte, randomBytes(size * megabyte)])) as [
        Buffer,
        Buffer,
      ]
      near.type(up)
      far.type(down)
      await until('all of it', () => far.seen().length >= up.length && near.seen().length >= down.length)
      expect(far.seen().equals(up)).toBe(true)
      expect(near.seen().equals(down)).toBe(true)
      await bench.control('close', { reason: 'done' })
      await bench.state('IDLE')
      const [file] = readdirSync(bench.at('data/sessions'))
      for (const [direction, sent] of [['in', up] as const, ['out', down] as const]) {
        const out = bench.at(direction)
        const words = ['--format', 'raw', '--direction', direction, '--out', out]
        const { code, err } = await sallyport([
          'recording',
          'export',
          bench.at(`data/sessions/${file}`),
          ...words,
        ])
        expect({ code, err }).toEqual({ code: 0, err: '' })
        expect(readFileSync(out).equals(sent)).toBe(true)
      }
    },
  )

  it('makes the device wait for a terminal that does not read, and loses nothing', async () => {
    await open('best-effort')
    const before = residentMegabytes()
    const sent = randomBytes(30 * megabyte)
    near.stopReading()
    far.type(sent)
    let taken = -1
    const stands = async () => {
      const last = taken
      taken = (await bench.port()).bytes_out
      return taken > 0 && taken === last
    }
    await until('a device that waits', stands)
    expect(taken).toBeLessThan(20 * megabyte)
    expect(residentMegabytes() - before).toBeLessThan(100)
    near.goOn()
    await until('all of it', () => near.seen().length >= sent.length)
    expect(near.seen().equals(sent)).toBe(true)
  })
})
