import { readFileSync } from 'node:fs'
import { setImmediate as turnsEnd } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { createWorld, type World } from './recorder.fixture.ts'
import { nodeFs } from './recorder-fs.ts'
import type { Recording } from './recording.ts'

let world: World

async function begin(mode: 'strict' | 'best-effort') {
  const count = { writes: 0, syncs: 0 }
  const fs = {
    ...nodeFs,
    write: (...args: Parameters<typeof nodeFs.write>) => {
      count.writes += 1
      return nodeFs.write(...args)
    },
    sync: (fd: number) => {
      count.syncs += 1
      return nodeFs.sync(fd)
    },
  }
  world = createWorld({ sealed: false, fs })
  const recording = await world.recorder.open(world.header(), { mode })
  count.writes = 0
  count.syncs = 0
  return { recording, count }
}

afterEach(() => world.remove())

/** Answers what had been passed on when the call came back. */
function pass(recording: Recording, ...chunks: string[]): { passed: string[]; atOnce: string[] } {
  const passed: string[] = []
  for (const [n, chunk] of chunks.entries())
    recording.pass(n % 2 === 0 ? 'in' : 'out', Buffer.from(chunk), (refusal) => {
      expect(refusal).toBeNull()
      expect(readFileSync(recording.path, 'latin1')).toContain(chunk)
      passed.push(chunk)
    })
  return { passed, atOnce: [...passed] }
}

it('what arrives alone is in the file and goes on at once', async () => {
  const { recording, count } = await begin('best-effort')
  for (const key of ['key-1', 'key-2', 'key-3']) {
    expect(pass(recording, key).atOnce).toEqual([key])
    await turnsEnd()
  }
  expect(count.writes).toBe(3)
  await recording.close('done')
})

it('what keeps arriving together is written once a turn, in order, until it arrives alone again', async () => {
  const { recording, count } = await begin('best-effort')
  const first = pass(recording, 'in-1', 'out-1', 'in-2')
  expect(first.atOnce).toEqual(['in-1'])
  await turnsEnd()
  expect(first.passed).toEqual(['in-1', 'out-1', 'in-2'])
  expect(count.writes).toBe(2)
  const second = pass(recording, 'in-3', 'out-3')
  expect(second.atOnce).toEqual([])
  await turnsEnd()
  expect(second.passed).toEqual(['in-3', 'out-3'])
  expect(count.writes).toBe(3)
  let turns = 0
  while (pass(recording, `alone-${turns}`).atOnce.length === 0) {
    turns += 1
    expect(turns).toBeLessThan(50)
    await turnsEnd()
  }
  const { path } = await recording.close('done')
  const frames = (await world.frames(path)).map(({ bytes }) => bytes.toString())
  expect(frames.slice(0, 5)).toEqual(['in-1', 'out-1', 'in-2', 'in-3', 'out-3'])
  expect(frames).toHaveLength(6 + turns)
})

it('what keeps arriving together waits for the disk once a turn', async () => {
  const { recording, count } = await begin('strict')
  for (let turn = 1; turn <= 4; turn++) {
    const { passed, atOnce } = pass(recording, `in-${turn}`, `out-${turn}`)
    expect(atOnce).toEqual([])
    await expect.poll(() => passed).toEqual([`in-${turn}`, `out-${turn}`])
  }
  // The first of all did not know that it was not alone.
  expect(count.syncs).toBe(5)
  await recording.close('done')
})

it('what waits for the end of its turn is recorded and goes on when the recording is closed before', async () => {
  const { recording } = await begin('best-effort')
  pass(recording, 'in-1', 'out-1')
  await turnsEnd()
  const { passed } = pass(recording, 'in-2', 'out-2')
  const { path } = await recording.close('done')
  expect(passed).toEqual(['in-2', 'out-2'])
  expect((await world.frames(path)).map(({ bytes }) => bytes.toString())).toEqual([
    ...['in-1', 'out-1', 'in-2', 'out-2'],
  ])
})
