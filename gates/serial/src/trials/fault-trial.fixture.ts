import { spawn, spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemRandom } from '@sallyport/core'
import { readRecording } from '../recorder/read-recording.ts'
import { createRecorder } from '../recorder/recorder.ts'
import { listRecordings } from '../recorder/sessions-directory.ts'
import { openSigningKey } from '../recorder/signing-key.ts'
import { verifyRecording } from '../recorder/verify-recording.ts'

const program = fileURLToPath(new URL('session.program.fixture.ts', import.meta.url))

export const faults = [
  ...[
    'write EIO',
    'write ENOSPC',
    'sync EIO',
    'file limit',
    'disk full',
    'SIGKILL',
    'SIGSTOP',
    'device gone',
  ],
] as const
export type FaultName = (typeof faults)[number]

export interface TrialResult {
  fault: FaultName
  /** Bytes that the device received, and that the record holds of what was typed. */
  received: number
  recorded: number
  isPrefix: boolean
  /** What verification says after the next start. */
  status: string
  /** How the gate says that it stopped the line; `null` where it was killed. */
  reason: string | null
  /** Milliseconds from the last byte that passed to the line being cut. */
  stoppedAfter: number | null
}

/** One session in strict mode that meets a fault at a moment of its own; then the next start. */
export async function runTrial(fault: FaultName, seed: number): Promise<TrialResult> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-trial-'))
  const sessions = join(dir, 'sessions')
  mkdirSync(sessions, { mode: 0o700 })
  const isMounted = fault === 'disk full' && mount(sessions, '96k')
  try {
    const { received, said } = await runSession(dir, fault, seed)
    if (isMounted) mount(sessions, '4m', 'remount,')
    const { recorded, status } = await nextStart(dir)
    const [, after = null, reason = null] = /^stopped (\d+) (.+)$/m.exec(said) ?? []
    return {
      ...{ fault, received: received.length, recorded: recorded.length, status, reason },
      isPrefix: recorded.subarray(0, received.length).equals(received),
      stoppedAfter: after === null ? null : Number(after),
    }
  } finally {
    if (isMounted) spawnSync('umount', [sessions])
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Only root may: for everybody else a limit on the file's size is the same fault. */
function mount(path: string, size: string, how = ''): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `${how}size=${size},mode=700`, 'tmpfs', path]).status === 0
}

function wrapperOf(fault: FaultName, dir: string, seed: number): string[] {
  const inject = (call: string, code: string, when: number) => [
    ...['strace', '-f', '-qq', '--seccomp-bpf', '-o', join(dir, 'trace'), '-e', `trace=${call}`],
    ...['-e', `inject=${call}:error=${code}:when=${when}+`],
  ]
  const when = 6 + (seed % 40)
  if (fault === 'write EIO') return inject('pwrite64', 'EIO', when)
  if (fault === 'write ENOSPC') return inject('pwrite64', 'ENOSPC', when)
  if (fault === 'sync EIO') return inject('fdatasync', 'EIO', when)
  if (fault === 'file limit' || fault === 'disk full') return ['prlimit', `--fsize=${limitOf(fault, seed)}`]
  return []
}

const limitOf = (fault: FaultName, seed: number) =>
  fault === 'disk full' ? 200_000 : 4_096 + 977 * (seed % 40)

async function runSession(dir: string, fault: FaultName, seed: number) {
  const words = [
    ...wrapperOf(fault, dir, seed),
    process.execPath,
    '--no-warnings',
    program,
    dir,
    String(seed),
  ]
  const child = spawn(words[0]!, words.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // strace counts the calls of each thread for itself.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const ended = once(child, 'close')
  const device = child.stdio[3] as Readable
  const chunks: Buffer[] = []
  let length = 0
  let [said, errors] = ['', '']
  createInterface({ input: child.stdout! }).on('line', (line) => (said += `${line}\n`))
  child.stderr!.on('data', (text) => (errors += text))
  device.on('error', () => {})
  const mark = 200 + ((seed * 7919) % 20_000)
  device.on('data', (bytes: Buffer) => {
    chunks.push(bytes)
    const before = length
    length += bytes.length
    if (before >= mark || length < mark) return
    if (fault === 'SIGKILL') child.kill('SIGKILL')
    if (fault === 'device gone') device.destroy()
    if (fault === 'SIGSTOP') void stopAndKill(child, () => length)
  })
  await ended
  if (!said.includes('open'))
    throw new Error(`the session of ${fault}, ${seed} did not open: ${said}${errors}`)
  if (/error=/.test(words.join(' ')) && !readFileSync(join(dir, 'trace'), 'utf8').includes('INJECTED'))
    throw new Error(`nothing was injected: ${fault}, ${seed}`)
  return { received: Buffer.concat(chunks), said }
}

/** What passes while it stands still would show in what the device has; then it is killed where it stands. */
async function stopAndKill(child: ReturnType<typeof spawn>, length: () => number): Promise<void> {
  child.kill('SIGSTOP')
  for (let before = -1; before !== length(); ) {
    before = length()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
}

async function nextStart(dir: string): Promise<{ recorded: Buffer; status: string }> {
  const signingKey = openSigningKey(join(dir, 'state'), systemRandom)
  const recorder = createRecorder({
    ...{ dir: join(dir, 'sessions'), signingKey, auditorKeys: [], random: systemRandom },
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
  })
  await recorder.recover()
  const [path = ''] = await listRecordings(join(dir, 'sessions'))
  const publicKey = createPublicKey(signingKey)
  const { status } = await verifyRecording(path, { publicKey })
  const recorded: Buffer[] = []
  const { frames } = await readRecording(path, { publicKey })
  for await (const { kind, bytes } of frames) if (kind === 'in') recorded.push(Buffer.from(bytes))
  return { recorded: Buffer.concat(recorded), status }
}
