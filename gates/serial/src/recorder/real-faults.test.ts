import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemRandom } from '@sallyport/core'
import { afterEach, describe, expect, it } from 'vitest'
import { readRecording } from './read-recording.ts'
import { seeded } from './recorder.fixture.ts'
import { createRecorder } from './recorder.ts'
import type { RecordingMode } from './recording.ts'
import { listRecordings } from './sessions-directory.ts'
import { openSigningKey } from './signing-key.ts'
import { verifyRecording } from './verify-recording.ts'

const program = fileURLToPath(new URL('recorder.program.fixture.ts', import.meta.url))
let dir = ''
let unmount = () => {}

function begin(): string {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-faults-'))
  return dir
}

afterEach(() => {
  unmount()
  unmount = () => {}
  rmSync(dir, { recursive: true, force: true })
})

/** Starts the program, under `wrapper` if there is one, and hands on each of its lines. */
function start(options: {
  wrapper?: string[]
  mode: RecordingMode
  count?: number
  line?(text: string): void
}) {
  const { wrapper = [], mode, count = 1e9, line } = options
  const [command, ...words] = [
    ...wrapper,
    process.execPath,
    '--no-warnings',
    program,
    dir,
    mode,
    String(count),
  ]
  const child: ChildProcess = spawn(command!, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    // strace counts the calls of each thread for itself.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout! })
  reader.on('line', (text) => {
    lines.push(text)
    line?.(text)
  })
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(() => lines)
  return { child, ended }
}

const go = () => writeFileSync(join(dir, 'go'), '')

/** The next start, and what it finds. */
async function afterwards() {
  const signingKey = openSigningKey(join(dir, 'state'), systemRandom)
  const recorder = createRecorder({
    ...{ dir: join(dir, 'sessions'), signingKey, auditorKeys: [], random: systemRandom },
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
  })
  const recovered = await recorder.recover()
  const [path = ''] = await listRecordings(join(dir, 'sessions'))
  const publicKey = createPublicKey(signingKey)
  const result = await verifyRecording(path, { publicKey })
  const numbers: number[] = []
  const { frames } = await readRecording(path, { publicKey })
  for await (const { kind, bytes } of frames) if (kind === 'in') numbers.push(Number(bytes.toString()))
  return { recovered, result, numbers, path }
}

const acknowledged = (lines: string[]) => lines.filter((line) => /^\d+$/.test(line)).map(Number)

describe.each(['strict', 'best-effort'] as const)('kill -9 of one that records, %s', (mode) => {
  it('loses nothing that was acknowledged, and the next start closes the record as interrupted', async () => {
    const draw = seeded(9)
    for (let round = 0; round < 2; round++) {
      begin()
      const at = 1 + draw(60)
      const { child, ended } = start({
        mode,
        line: (text) => {
          if (text === 'open') go()
          if (text === String(at)) child.kill('SIGKILL')
        },
      })
      const said = acknowledged(await ended)
      const { recovered, result, numbers } = await afterwards()
      expect(recovered).toMatchObject([{ frames: numbers.length }])
      expect(result.status).toBe('interrupted')
      expect(numbers).toEqual(numbers.map((_, index) => index))
      expect(numbers.length).toBeGreaterThanOrEqual(said.length)
      if (mode === 'strict') expect(result.signedFrames).toBe(numbers.length)
      rmSync(dir, { recursive: true, force: true })
    }
  })
})

describe('a system that refuses', () => {
  it.each([
    ['pwrite64', 'ENOSPC'],
    ['pwrite64', 'EIO'],
    ['fdatasync', 'EIO'],
  ])(
    '%s with %s ends a strict recording for good, all that was acknowledged being there',
    async (call, code) => {
      begin()
      const inject = `inject=${call}:error=${code}:when=12`
      const wrapper = ['strace', '-f', '-qq', '-o', join(dir, 'trace'), '-e', `trace=${call}`, '-e', inject]
      const { ended } = start({ wrapper, mode: 'strict', count: 40, line: (text) => text === 'open' && go() })
      const lines = await ended
      expect(readFileSync(join(dir, 'trace'), 'utf8')).toContain('INJECTED')
      expect(lines.at(-1)).toBe('failed recording_failed')
      const said = acknowledged(lines)
      expect(said).toHaveLength(10)
      const { result, numbers } = await afterwards()
      expect(result.status).toBe('interrupted')
      expect(numbers.slice(0, 10)).toEqual(said)
    },
  )

  it('a file that may grow no more ends it just so, and leaves a gap in best effort', async () => {
    for (const mode of ['strict', 'best-effort'] as const) {
      begin()
      const wrapper = ['prlimit', '--fsize=8192']
      const { ended } = start({ wrapper, mode, count: 200, line: (text) => text === 'open' && go() })
      const lines = await ended
      expect(lines.at(-1)).toBe('failed recording_failed')
      const said = acknowledged(lines)
      const { result, numbers } = await afterwards()
      expect(result.status).toBe('interrupted')
      if (mode === 'strict') {
        expect(numbers.slice(0, said.length)).toEqual(said)
        expect(said.length).toBeLessThan(200)
      } else {
        expect(lines.filter((line) => line.startsWith('gap'))).toEqual(['gap EFBIG'])
        expect(said).toHaveLength(200)
      }
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('a disk that is full: the recording says where it ends, and nothing acknowledged is lost', async () => {
    begin()
    mkdirSync(join(dir, 'sessions'))
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(dir, 'sessions')])
    // Only root may mount; the limit above is the same fault for everybody else.
    if (mounted.status !== 0) return
    unmount = () => spawnSync('umount', [join(dir, 'sessions')])
    const { ended } = start({ mode: 'strict', count: 2000, line: (text) => text === 'open' && go() })
    const lines = await ended
    expect(lines.at(-1)).toBe('failed recording_failed')
    const said = acknowledged(lines)
    const [path = ''] = await listRecordings(join(dir, 'sessions'))
    const publicKey = createPublicKey(openSigningKey(join(dir, 'state'), systemRandom))
    const result = await verifyRecording(path, { publicKey })
    expect(result.status).toBe('incomplete')
    expect(result.signedFrames).toBeGreaterThanOrEqual(said.length)
  })
})
