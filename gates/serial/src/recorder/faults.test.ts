import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWorld, type World } from './recorder.fixture.ts'
import { nodeFs, type RecorderFs } from './recorder-fs.ts'
import type { RecordingMode } from './recording.ts'
import { verifyRecording } from './verify-recording.ts'

type Fault = 'EIO' | 'ENOSPC' | 'EFBIG' | 'short' | 'nothing'

let world: World | undefined

afterEach(() => world?.remove())

/** The n-th call fails, and those after it as long as `lasting` says. */
function failing(options: {
  call: 'write' | 'sync'
  nth: number
  fault: Fault
  lasting?: () => boolean
}): RecorderFs {
  let calls = 0
  const fails = () => {
    calls += 1
    return calls === options.nth || (calls > options.nth && (options.lasting?.() ?? false))
  }
  const error = () => Object.assign(new Error(options.fault), { code: options.fault })
  return {
    ...nodeFs,
    write(fd, bytes, position) {
      if (options.call !== 'write' || !fails()) return nodeFs.write(fd, bytes, position)
      if (options.fault === 'nothing') return 0
      const half = nodeFs.write(fd, bytes.subarray(0, bytes.length >> 1), position)
      if (options.fault === 'short') return half
      // Something of it reached the disk all the same.
      throw error()
    },
    async sync(fd) {
      if (options.call === 'sync' && fails()) throw error()
      await nodeFs.sync(fd)
    },
  }
}

/** Ten frames and the end; answers what was acknowledged, and what failed. */
async function session(fs: RecorderFs, mode: RecordingMode) {
  world = createWorld({ fs })
  const onGap = vi.fn()
  const outcome = { acknowledged: [] as string[], failed: [] as string[], path: '', closed: false, onGap }
  try {
    const recording = await world.recorder.open(world.header(), { mode, onGap })
    outcome.path = recording.path
    for (let n = 0; n < 10; n++) {
      await recording.write('in', Buffer.from(`frame ${n}`)).then(
        () => outcome.acknowledged.push(`frame ${n}`),
        (error) => outcome.failed.push(error.code),
      )
    }
    await recording.close('done')
    outcome.closed = true
  } catch (error) {
    outcome.failed.push((error as { code: string }).code)
  }
  return outcome
}

/** After the next start: how the recording ended, and what is in it. */
async function recorded({ restart, frames, publicKey }: World, path: string) {
  await restart().recover()
  const { status } = await verifyRecording(path, { publicKey })
  return { status, found: (await frames(path)).map(({ bytes }) => bytes.toString()) }
}

describe.each(['write', 'sync'] as const)('strict, when a %s fails', (call) => {
  it.each(['EIO', 'ENOSPC', 'EFBIG', 'nothing'] as const)(
    '%s, the n-th for every n: what was acknowledged is there, and nothing comes after it',
    async (fault) => {
      for (let nth = 1; ; nth++) {
        const outcome = await session(failing({ call, nth, fault }), 'strict')
        if (outcome.failed.length === 0) {
          expect(outcome).toMatchObject({ closed: true })
          expect(nth).toBeGreaterThan(10)
          break
        }
        // Sticky: the disk works again, and the recording takes nothing more all the same.
        expect(new Set(outcome.failed)).toEqual(new Set(['recording_failed']))
        expect(outcome.closed).toBe(false)
        expect(outcome.onGap).not.toHaveBeenCalled()
        if (outcome.path !== '') {
          const { status, found } = await recorded(world!, outcome.path)
          expect(found.slice(0, outcome.acknowledged.length)).toEqual(outcome.acknowledged)
          // A footer whose sync failed may have reached the disk.
          expect(status).toBe(call === 'sync' && outcome.acknowledged.length === 10 ? 'clean' : 'interrupted')
        }
        world!.remove()
      }
    },
  )
})

it('a short write is gone on with, in either mode', async () => {
  for (const mode of ['strict', 'best-effort'] as const) {
    for (let nth = 1; nth <= 12; nth++) {
      const outcome = await session(failing({ call: 'write', nth, fault: 'short' }), mode)
      expect(outcome).toMatchObject({ closed: true, failed: [] })
      expect(outcome.onGap).not.toHaveBeenCalled()
      const { status, frames } = await verifyRecording(outcome.path, { publicKey: world!.publicKey })
      expect({ status, frames }).toEqual({ status: 'clean', frames: 10 })
      world!.remove()
    }
  }
})

describe('best effort', () => {
  it('marks what it lost, signed, calls for help once, and goes on', async () => {
    let broken = true
    const fs = failing({ call: 'write', nth: 4, fault: 'ENOSPC', lasting: () => broken })
    world = createWorld({ fs })
    const onGap = vi.fn()
    const recording = await world.recorder.open(world.header(), { mode: 'best-effort', onGap })
    const write = (text: string) => recording.write('in', Buffer.from(text))
    await write('one')
    await write('two')
    for (const lost of ['lost 1', 'lost 22', 'lost 333']) await write(lost)
    broken = false
    await write('three')
    const { path, bytes, frames: count } = await recording.close('done')
    expect(onGap).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'ENOSPC' }))
    const frames = await world.frames(path)
    expect(frames.map(({ kind, bytes }) => (kind === 'gap' ? 'gap' : bytes.toString()))).toEqual([
      ...['one', 'two', 'gap', 'three'],
    ])
    expect(JSON.parse(frames[2]!.bytes.toString())).toEqual({
      ...{ since: expect.any(Number), reason: 'ENOSPC', frames: 3, bytes: { in: 21, out: 0 } },
    })
    expect({ count, bytes }).toEqual({ count: 4, bytes: { in: 11, out: 0 } })
    const result = await verifyRecording(path, { publicKey: world.publicKey })
    expect(result).toMatchObject({ status: 'clean', footer: { gaps: 1 } })
  })

  it('marks what a failed sync put in doubt, and no checkpoint speaks of it', async () => {
    let broken = false
    const sync = async (fd: number) => {
      if (broken) throw Object.assign(new Error('sync'), { code: 'EIO' })
      await nodeFs.sync(fd)
    }
    world = createWorld({ fs: { ...nodeFs, sync } })
    const onGap = vi.fn()
    const recording = await world.recorder.open(world.header(), { mode: 'best-effort', onGap })
    await recording.write('in', Buffer.from('kept'))
    await vi.waitFor(() => expect(recording.highWater().durableFrames).toBe(1))
    const mark = recording.mark()
    broken = true
    await recording.write('in', Buffer.from('in doubt'))
    await vi.waitFor(() => expect(onGap).toHaveBeenCalled())
    expect(recording.mark()).toEqual(mark)
    broken = false
    const { path } = await recording.close('done')
    const kinds = (await world.frames(path)).map(({ kind }) => kind)
    expect(kinds).toEqual(['in', 'gap'])
    expect(await verifyRecording(path, { publicKey: world.publicKey, marks: [mark] })).toMatchObject({
      ...{ status: 'clean', footer: { gaps: 1 } },
    })
  })

  it('loses nothing without saying so, whichever write or sync fails', async () => {
    for (const call of ['write', 'sync'] as const) {
      for (let nth = 2; nth <= 14; nth++) {
        const outcome = await session(failing({ call, nth, fault: 'EIO' }), 'best-effort')
        expect(outcome.acknowledged).toHaveLength(10)
        if (!outcome.closed) await world!.restart().recover()
        const frames = await world!.frames(outcome.path)
        const lost = frames
          .filter(({ kind }) => kind === 'gap')
          .map(({ bytes }) => JSON.parse(bytes.toString()).frames)
          .reduce((sum, count) => sum + count, 0)
        const kept = frames.filter(({ kind }) => kind === 'in').length
        const { status } = await verifyRecording(outcome.path, { publicKey: world!.publicKey })
        expect(status).toMatch(outcome.closed ? 'clean' : /clean|interrupted/)
        if (outcome.closed) expect(kept + lost).toBe(10)
        world!.remove()
      }
    }
  })
})

it('what arrives during a sync is made durable together, in order', async () => {
  let release = () => {}
  let syncs = 0
  const sync = async (fd: number) => {
    syncs += 1
    if (syncs === 2) await new Promise<void>((resolve) => (release = resolve))
    await nodeFs.sync(fd)
  }
  world = createWorld({ fs: { ...nodeFs, sync } })
  const recording = await world.recorder.open(world.header(), { mode: 'strict' })
  const order: number[] = []
  const first = recording.write('in', Buffer.from('0')).then(() => order.push(0))
  await vi.waitFor(() => expect(syncs).toBe(2))
  const rest = [1, 2, 3, 4].map((n) =>
    recording.write('in', Buffer.from(String(n))).then(() => order.push(n)),
  )
  expect(recording.highWater()).toMatchObject({ frames: 1, durableFrames: 0 })
  release()
  await Promise.all([first, ...rest])
  expect({ order, syncs }).toEqual({ order: [0, 1, 2, 3, 4], syncs: 3 })
  expect(recording.highWater()).toMatchObject({ frames: 5, durableFrames: 5 })
  await recording.close('done')
})
