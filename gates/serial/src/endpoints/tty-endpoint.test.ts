import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Line } from './line.ts'
import { createTtyEndpoint } from './tty-endpoint.ts'

let directory: string
let cable: ChildProcess
const at = (name: string) => join(directory, name)

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tty-'))
  cable = spawn('socat', [`PTY,link=${at('near')},rawer`, `PTY,link=${at('far')},rawer`], { stdio: 'ignore' })
  await expect.poll(() => existsSync(at('near')) && existsSync(at('far')), { timeout: 10_000 }).toBe(true)
})
afterEach(async () => {
  const ended = once(cable, 'exit')
  cable.kill()
  await ended
  rmSync(directory, { recursive: true, force: true })
})

async function open(name: string, data: (bytes: Buffer) => void = () => {}): Promise<Line> {
  const config = {
    path: at(name),
    baud: 9600,
    data_bits: 8,
    parity: 'none',
    stop_bits: 1,
    flow: 'none',
  } as const
  return createTtyEndpoint(config).open({ data, lost() {}, signals() {}, broke() {} })
}

const heldOpen = (path: string) =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  }).length

it('keeps the order of what is written at once and of what has to wait for a full line', async () => {
  const heard: Buffer[] = []
  const near = await open('near')
  const far = await open('far', (bytes) => heard.push(bytes))
  far.pause()
  const sent = Array.from({ length: 400 }, (_, n) => randomBytes(1 + ((n * 97) % 4_000)))
  const { promise: written, resolve } = Promise.withResolvers<void>()
  let waited = false
  for (const [n, bytes] of sent.entries()) {
    let done = false
    near.write(bytes, () => {
      done = true
      if (n === sent.length - 1) resolve()
    })
    waited ||= !done
  }
  expect(waited).toBe(true)
  far.resume()
  await written
  const all = Buffer.concat(sent)
  await expect.poll(() => heard.reduce((sum, { length }) => sum + length, 0)).toBe(all.length)
  expect(Buffer.concat(heard).equals(all)).toBe(true)
  near.cut()
  far.cut()
})

it('hands out bytes that later ones do not overwrite', async () => {
  const heard: Buffer[] = []
  const near = await open('near', (bytes) => heard.push(bytes))
  const far = await open('far')
  for (const letter of ['a', 'b', 'c']) {
    far.write(Buffer.from(letter))
    await expect.poll(() => Buffer.concat(heard).toString().endsWith(letter)).toBe(true)
  }
  expect(Buffer.concat(heard).toString()).toBe('abc')
  near.cut()
  far.cut()
})

it('lets go of the line when it is cut, however often it was opened', async () => {
  const path = realpathSync(at('near'))
  for (let n = 0; n < 3; n++) {
    const near = await open('near')
    expect(heldOpen(path)).toBeGreaterThan(0)
    near.cut()
    await expect.poll(() => heldOpen(path)).toBe(0)
  }
})
