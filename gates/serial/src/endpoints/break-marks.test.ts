import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { readBreakMarks } from './break-marks.ts'
import { createTtyEndpoint } from './tty-endpoint.ts'

const settings = { baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow: 'none' } as const

function collect() {
  const heard: (number | 'break')[] = []
  const events = readBreakMarks({
    data: (bytes) => heard.push(...bytes),
    broke: () => heard.push('break'),
    ...{ lost() {}, signals() {} },
  })
  return { heard, events }
}

it('finds every break where it was, however the stream is cut in pieces', () => {
  const sent = fc.array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 255, 'break' as const)))
  fc.assert(
    fc.property(sent, fc.array(fc.nat(7)), (line, cuts) => {
      const marked = line.flatMap((one) => (one === 'break' ? [255, 0, 0] : one === 255 ? [255, 255] : [one]))
      const { heard, events } = collect()
      let at = 0
      for (const length of [...cuts, marked.length]) {
        events.data(Buffer.from(marked.slice(at, at + length)))
        at += length
      }
      expect(heard).toEqual(line)
    }),
  )
})

it('lets a byte with an error pass, as it does where breaks are not marked', () => {
  const { heard, events } = collect()
  events.data(Buffer.from([1, 255, 0, 65, 2]))
  expect(heard).toEqual([1, 65, 2])
})

it('reads what the kernel marks, every byte value', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'marks-'))
  const [near, far] = ['near', 'far'].map((name) => join(directory, name)) as [string, string]
  const cable = spawn(
    'socat',
    [near, far].map((path) => `PTY,link=${path},rawer`),
    { stdio: 'ignore' },
  )
  try {
    await vi.waitFor(() => expect(existsSync(far)).toBe(true), 10_000)
    const { heard, events } = collect()
    const line = await createTtyEndpoint({ path: near, ...settings }).open(events)
    spawnSync('stty', ['-F', near, 'parmrk', '-ignbrk', '-brkint'])
    const other = await createTtyEndpoint({ path: far, ...settings }).open({
      ...{ data() {}, lost() {}, signals() {}, broke() {} },
    })
    const everyByte = Array.from({ length: 256 }, (_, byte) => byte)
    other.write(Buffer.from(everyByte))
    await vi.waitFor(() => expect(heard).toEqual(everyByte), 10_000)
    line.cut()
    other.cut()
  } finally {
    cable.kill()
    rmSync(directory, { recursive: true })
  }
})
