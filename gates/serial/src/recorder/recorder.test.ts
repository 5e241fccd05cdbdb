import { hash, randomBytes } from 'node:crypto'
import { readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createWorld, seeded, type World, type WorldOptions } from './recorder.fixture.ts'
import { createRecorder } from './recorder.ts'
import { nodeFs } from './recorder-fs.ts'
import { summarize } from './sessions-directory.ts'
import { verifyRecording } from './verify-recording.ts'

let world: World

function begin(options?: WorldOptions): World {
  world = createWorld(options)
  return world
}

afterEach(() => world.remove())

const all256 = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

describe.each([
  ['strict', true],
  ['strict', false],
  ['best-effort', true],
  ['best-effort', false],
] as const)('a %s recording, sealed: %s', (mode, sealed) => {
  it('gives back every byte, its direction, its time and its order', async () => {
    const { recorder, header, frames, publicKey } = begin({ sealed })
    const recording = await recorder.open(header(), { mode })
    const given: [string, string][] = []
    for (let n = 0; n < 300; n++) {
      const direction = n % 3 === 0 ? 'in' : 'out'
      const bytes = n % 7 === 0 ? all256 : Buffer.from([n & 0xff])
      given.push([direction, bytes.toString('hex')])
      const written = recording.write(direction, bytes)
      if (n % 5 === 0) await written
    }
    await recording.event('break', { ms: 250 })
    const { path, digest, bytes, frames: count } = await recording.close('technician left')
    const found = await frames(path)
    expect(found.slice(0, -1).map((frame) => [frame.kind, frame.bytes.toString('hex')])).toEqual(given)
    expect(JSON.parse(found.at(-1)!.bytes.toString())).toEqual({ name: 'break', detail: { ms: 250 } })
    expect(found.every((frame, index) => index === 0 || frame.elapsed > found[index - 1]!.elapsed)).toBe(true)
    expect(count).toBe(301)
    const verified = await verifyRecording(path, { publicKey })
    expect(verified).toMatchObject({ status: 'clean', digest, footer: { reason: 'technician left', bytes } })
    expect((await summarize(path)).footer).toEqual(verified.footer)
  })

  it('gives back ten megabytes as they were', async () => {
    const { recorder, header, frames } = begin({ sealed })
    const recording = await recorder.open(header(), { mode })
    const draw = seeded(7)
    const sent = randomBytes(10 << 20)
    for (let at = 0; at < sent.length; ) {
      const length = 1 + draw(200_000)
      await recording.write('out', sent.subarray(at, at + length))
      at += length
    }
    const { path } = await recording.close('done')
    const found = await frames(path)
    expect(Buffer.concat(found.map(({ bytes }) => bytes)).equals(sent)).toBe(true)
  })
})

describe('a sealed recording', () => {
  it('says nothing of its frames to whoever finds it, the shim itself included', async () => {
    const { recorder, header, sessions } = begin()
    const recording = await recorder.open(header(), { mode: 'strict' })
    await recording.write('in', Buffer.from('PLANTED-PASSPHRASE'))
    await recording.event('PLANTED-EVENT')
    const { path } = await recording.close('done')
    const stored = readFileSync(path, 'latin1')
    expect(stored).toContain('alice@example.org')
    expect(stored).not.toContain('PLANTED')
    expect(await readdir(sessions)).toEqual([expect.stringMatching(/\.session$/)])
  })

  it('never uses a nonce twice, although a failed write is made again', async () => {
    let failing = false
    const fs = {
      ...nodeFs,
      write: (...args: Parameters<typeof nodeFs.write>) => {
        if (failing) throw Object.assign(new Error('no'), { code: 'EIO' })
        return nodeFs.write(...args)
      },
    }
    const { recorder, header } = begin({ fs })
    const recording = await recorder.open(header(), { mode: 'best-effort' })
    await recording.write('in', Buffer.from('one'))
    failing = true
    await recording.write('in', Buffer.from('two'))
    failing = false
    await recording.write('in', Buffer.from('three'))
    const { path } = await recording.close('done')
    const bytes = readFileSync(path)
    const serials: number[] = []
    for (let at = 32; at < bytes.length; at += 64 + bytes.readUInt32BE(at + 4)) {
      serials.push(Number(bytes.readBigUInt64BE(at + 8)))
    }
    expect(serials.every((serial, index) => index === 0 || serial > serials[index - 1]!)).toBe(true)
    // The serial of what was lost is not used again.
    expect(serials.length).toBeLessThan(serials.at(-1)!)
  })
})

describe('the files', () => {
  it('are named by time, device and technician, and whatever those are called stay in the directory', async () => {
    const { recorder, header, sessions } = begin()
    const names = ['alice@example.org', '../../../etc/cron.d/x', '', '.', 'a/b\u0000c', 'é'.repeat(300)]
    for (const id of names) {
      const one = { ...header(), technician: { id }, device: { id: `-${id}` } }
      await (await recorder.open(one, { mode: 'strict' })).close('done')
    }
    const found = await readdir(sessions)
    expect(found).toHaveLength(names.length)
    expect(found).toContain('2026-04-15T09-22-03._alice@example.org-alice@example.org.session')
    for (const name of found) {
      expect(name).toMatch(/^2026-04-15T09-22-03\.[A-Za-z0-9@._-]+(~\d+)?\.session$/)
      expect(statSync(join(sessions, name)).mode & 0o777).toBe(0o600)
    }
    expect(statSync(sessions).mode & 0o777).toBe(0o700)
  })

  it('of one second do not overwrite one another', async () => {
    const { recorder, header, sessions } = begin()
    world.clock.monotonic = () => 0
    const opened = await Promise.all(
      ['a', 'b', 'c'].map((session) => recorder.open(header(session), { mode: 'strict' })),
    )
    for (const recording of opened) await recording.close('done')
    expect((await readdir(sessions)).sort()).toEqual(
      opened.map(({ path }) => path.slice(sessions.length + 1)).sort(),
    )
    expect(new Set(opened.map(({ path }) => path)).size).toBe(3)
  })

  it('are not written through a link, nor is a directory that is one', async () => {
    const { recorder, header, sessions, dir, clock, signingKey } = begin()
    const victim = join(dir, 'victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, join(sessions, '2026-04-15T09-22-03.empump-12-alice@example.org.session'))
    const recording = await recorder.open(header(), { mode: 'strict' })
    await recording.close('done')
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
    expect(recording.path).toMatch(/~2\.session$/)
    expect(await recorder.recover()).toEqual([])
    symlinkSync(sessions, join(dir, 'link'))
    const limits = { minFree: 0, maxTotal: 1, retention: null }
    const random = { bytes: (length: number) => new Uint8Array(length) }
    const given = { dir: join(dir, 'link'), signingKey, clock, random, limits, auditorKeys: [] }
    expect(() => createRecorder(given)).toThrow('recordings follow no links')
  })
})

describe('room', () => {
  it('ends a session at the floor of free space, rather than forget it, and leaves room for the footer', async () => {
    let free = 10_000
    const fs = { ...nodeFs, free: async () => free }
    const { recorder, header, publicKey, clock } = begin({ fs, limits: { minFree: 5000 } })
    const recording = await recorder.open(header(), { mode: 'best-effort' })
    free = 4000
    clock.at += 2000
    await recording.write('in', Buffer.from('asks how much there is'))
    await expect
      .poll(() =>
        recording.write('in', Buffer.from('x')).then(
          () => null,
          (error) => error.code,
        ),
      )
      .toBe('storage_exhausted')
    const { path } = await recording.close('storage exhausted')
    expect(await verifyRecording(path, { publicKey })).toMatchObject({ status: 'clean' })
    await expect(recorder.open(header(), { mode: 'strict' })).rejects.toMatchObject({
      code: 'storage_exhausted',
    })
  })

  it.each(['strict', 'best-effort'] as const)('is no place for a file that was removed: %s', async (mode) => {
    const { recorder, header, clock } = begin()
    const recording = await recorder.open(header(), { mode })
    unlinkSync(recording.path)
    clock.at += 2000
    await recording.write('in', Buffer.from('asks whether it is there'))
    await expect
      .poll(() =>
        recording.write('in', Buffer.from('x')).then(
          () => null,
          (error) => error.message,
        ),
      )
      .toContain('was removed while it was written')
    await recording.close('done')
  })

  it('fails closed when nobody can say how much there is', async () => {
    let broken = false
    const free = async () => {
      if (broken) throw new Error('statfs')
      return 1e9
    }
    const { recorder, header, clock } = begin({ fs: { ...nodeFs, free } })
    const recording = await recorder.open(header(), { mode: 'strict' })
    broken = true
    clock.at += 2000
    await recording.write('in', Buffer.from('x'))
    await expect
      .poll(() =>
        recording.write('in', Buffer.from('x')).then(
          () => null,
          (error) => error.code,
        ),
      )
      .toBe('storage_exhausted')
    await recording.close('done')
    await expect(recorder.open(header(), { mode: 'strict' })).rejects.toThrow('statfs')
  })

  it('is made by age first, and by size only with what the SIEM has had, the ledger being told before', async () => {
    const { recorder, header, clock, sessions, restart } = begin()
    for (const session of ['old', 'kept', 'sent-1', 'sent-2']) {
      const recording = await recorder.open(header(session), { mode: 'strict' })
      await recording.write('out', Buffer.alloc(1000))
      await recording.close('done')
      clock.at += 300 * 3_600_000
    }
    const told: string[] = []
    // Three of about 2,900 bytes are left by age: there is room for them, and little to spare.
    const limited = restart({ retention: 1000 * 3_600_000, maxTotal: 9000 })
    const removed = await limited.retain({
      forwarded: (session) => session.startsWith('sent'),
      onRemove: async ({ session, because, path }) => {
        expect(readFileSync(path).length).toBeGreaterThan(0)
        told.push(`${session} ${because}`)
      },
    })
    expect(told).toEqual(['old age', 'sent-1 size'])
    expect(removed.map(({ forwarded }) => forwarded)).toEqual([false, true])
    expect(await readdir(sessions)).toHaveLength(2)
    clock.at += 5000 * 3_600_000
    await expect(
      limited.retain({ forwarded: () => true, onRemove: () => Promise.reject(new Error('the ledger')) }),
    ).rejects.toThrow('the ledger')
    expect(await readdir(sessions)).toHaveLength(2)
  })

  it('is never made by removing what is being recorded', async () => {
    const { recorder, header, clock } = begin({ limits: { retention: 1000 } })
    const recording = await recorder.open(header(), { mode: 'strict' })
    clock.at += 1e9
    expect(await recorder.retain({ forwarded: () => true, onRemove: () => {} })).toEqual([])
    expect(await recorder.usage()).toMatchObject({ sessions: 1, free: expect.any(Number) })
    await recording.close('done')
  })
})

describe('recovery', () => {
  it('leaves alone what is closed, what is open here, and what is not its own', async () => {
    const { recorder, header, sessions } = begin()
    await (await recorder.open(header('closed'), { mode: 'strict' })).close('done')
    const open = await recorder.open(header('open'), { mode: 'strict' })
    const before = readFileSync(open.path)
    expect(await recorder.recover()).toEqual([])
    expect(readFileSync(open.path).equals(before)).toBe(true)
    await open.close('done')
    const other = createWorld()
    const foreign = await other.recorder.open(other.header('foreign'), { mode: 'strict' })
    await foreign.write('in', Buffer.from('x'))
    writeFileSync(join(sessions, 'foreign.session'), readFileSync(foreign.path))
    await foreign.close('done')
    other.remove()
    const [found] = await recorder.recover()
    expect(found).toMatchObject({ frames: 0, fault: expect.stringContaining('another public key') })
  })

  it('signs nothing that was altered while the machine was off', async () => {
    const { recorder, header, restart, publicKey } = begin()
    const recording = await recorder.open(header(), { mode: 'strict' })
    for (let n = 0; n < 5; n++) await recording.write('in', Buffer.from(`frame ${n}`))
    const whole = readFileSync(recording.path)
    await recording.close('done')
    // The last signature is replaced: every hash is right, and no crash does that.
    const forged = Buffer.from(whole)
    forged[forged.length - 40]! ^= 1
    const from = forged.length - 32 - 64 - 32
    hash('sha256', forged.subarray(from - 32, forged.length - 32), 'buffer').copy(forged, forged.length - 32)
    writeFileSync(recording.path, forged)
    const [found] = await restart().recover()
    expect(found).toMatchObject({ fault: expect.stringContaining('signature') })
    expect(readFileSync(recording.path).equals(forged)).toBe(true)
    expect(await verifyRecording(recording.path, { publicKey })).toMatchObject({ status: 'tampered' })
  })

  it('says up to where the frames had been signed before the crash', async () => {
    const { recorder, header, restart, publicKey } = begin()
    const recording = await recorder.open(header(), { mode: 'best-effort' })
    await recording.write('in', Buffer.from('not signed yet'))
    const torn = readFileSync(recording.path)
    await recording.close('done')
    writeFileSync(recording.path, torn)
    expect(await restart().recover()).toEqual([{ path: recording.path, frames: 1 }])
    const result = await verifyRecording(recording.path, { publicKey })
    expect(result).toMatchObject({ status: 'interrupted', frames: 1, signedFrames: 0 })
    expect(await restart().recover()).toEqual([])
  })

  it('does not fail over a directory, a pipe or rubbish among the recordings', async () => {
    const { recorder, sessions } = begin()
    await mkdir(join(sessions, 'folder.session'))
    writeFileSync(join(sessions, 'rubbish.session'), 'what is this')
    expect(await recorder.recover()).toEqual([
      {
        path: join(sessions, 'rubbish.session'),
        frames: 0,
        fault: expect.stringContaining('does not begin'),
      },
    ])
  })
})

describe('a recording that is closed', () => {
  it('is closed once, and takes nothing more', async () => {
    const { recorder, header } = begin()
    const recording = await recorder.open(header(), { mode: 'strict' })
    const [first, second] = await Promise.all([recording.close('one'), recording.close('two')])
    expect(second).toBe(first)
    await expect(recording.write('in', all256)).rejects.toMatchObject({ code: 'recording_failed' })
    expect((await summarize(recording.path)).footer?.reason).toBe('one')
  })

  it('holds what was given to it in the same moment', async () => {
    const { recorder, header, frames } = begin()
    for (const mode of ['strict', 'best-effort'] as const) {
      const recording = await recorder.open(header(mode), { mode })
      const written = recording.write('in', Buffer.from('last words'))
      const { path } = await recording.close('done')
      await written
      expect((await frames(path)).map(({ bytes }) => bytes.toString())).toEqual(['last words'])
    }
  })
})
