import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeSecret, newTotpSecret, systemRandom } from '@sallyport/core'
import { callControl, generateAuditorKey, type RecordingMode, type Shim } from '@sallyport/gate-serial'
import { codeOf } from '../../../test/support/harness.ts'
import { packShim } from '../../../tools/pack-shim.ts'
import { type ProgramProcess, pinLoad, startProgram } from '../http/process.ts'
import { type SerialLoad, startSerialLoad } from './load.ts'

const root = join(import.meta.dirname, '../../..')
let packed: Promise<string> | undefined

/** The serial gate's own program, packed once, as `npm install` of its package leaves it. */
export function packedShim(): Promise<string> {
  packed ??= pack()
  return packed
}

async function pack(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { dependencies } = await packShim(folder)
  mkdirSync(join(folder, 'node_modules'))
  for (const name of dependencies)
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  return join(folder, 'bin/sallyport.mjs')
}

type Ports = readonly (readonly [near: string, far: string])[]

/** The configuration of a gate over these ports, as shipped but for limits that a benchmark would meet. */
export function writeShimConfig(directory: string, parts: { ports: Ports; mode: RecordingMode }) {
  const { ports, mode } = parts
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // A code opens one line, so each line has its own technician.
  const people = ports.map((_, n) => ({ id: `t${n}`, secret: newTotpSecret(systemRandom) }))
  const config = {
    device: { id: 'bench' },
    ports: ports.map(([near, far], n) => ({ id: `p${n}`, technician: near, device: far })),
    technicians: people.map(({ id, secret }) => ({
      id,
      factors: [{ type: 'totp', secret: encodeSecret(secret) }],
    })),
    vault: 'off',
    session: { recording: mode, max_bytes: '1TB', idle_timeout: '1h' },
    storage: {
      dir: join(directory, 'data'),
      max_total: '1TB',
      auditor_keys: [generateAuditorKey(systemRandom).publicKey],
    },
  }
  const file = join(directory, 'shim.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return { file, credential: (n: number) => `${people[n]!.id} ${codeOf(people[n]!.secret, Date.now())}` }
}

/** The daemon, with a session open on `pairs` lines of the load from `first` on. */
export async function openGate(
  directory: string,
  { load, first, pairs, mode }: { load: SerialLoad; first: number; pairs: number; mode: RecordingMode },
): Promise<ProgramProcess & { loginMs: number[] }> {
  const ports = load.ports.slice(first, first + pairs)
  const { file, credential } = writeShimConfig(directory, { ports, mode })
  const words = [await packedShim(), 'shim', 'run', '--log-level', 'error', '--config', file]
  const running = await startProgram(words, {
    ready: /^ready/,
    env: { NODE_COMPILE_CACHE: join(directory, 'cache') },
  })
  await bothSidesOpen(join(directory, 'data/state/control.sock'))
  const loginMs = []
  for (let n = 0; n < pairs; n++) loginMs.push((await load.login(first + n, credential(n))).ms)
  return { ...running, loginMs }
}

async function bothSidesOpen(socket: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const { ports } = (await callControl(socket, 'status')) as Awaited<ReturnType<Shim['status']>>
    if (ports.every(({ endpoints: { technician, device } }) => technician === 'open' && device === 'open'))
      return
    await sleep(25)
  }
  throw new Error('the gate did not open its ports')
}

/** Copies both ways, and keeps nothing. */
export function openSocat([near, far]: readonly [string, string]): Promise<ProgramProcess> {
  const words = ['sh', '-c', 'exec socat -d -d "$1,rawer" "$2,rawer" 2>&1', 'socat', near, far]
  return startProgram(words, { ready: /starting data transfer loop/ })
}

export const bare = 'a bare PTY'
export const socat = 'socat'
export const soft = 'ours, best-effort'
export const strict = 'ours, strict'

/** Who stands between the two ends of one line. Nobody at a bare PTY. */
export interface Relay {
  name: string
  pair: number
  load: SerialLoad
  process: ProgramProcess | null
}

/** A line for each of those who are compared, on which ours has a session open. */
export async function openRelays(): Promise<{ all: readonly Relay[]; close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const unpin = pinLoad()
  const load = await startSerialLoad(directory, 4)
  const gate = (first: number, mode: RecordingMode) =>
    openGate(join(directory, mode), { load, first, pairs: 1, mode })
  const processes = [
    null,
    await openSocat(load.ports[1]!),
    await gate(2, 'best-effort'),
    await gate(3, 'strict'),
  ]
  const names = [bare, socat, soft, strict]
  return {
    all: processes.map((process, pair) => ({ name: names[pair]!, pair, load, process })),
    async close() {
      await Promise.all(processes.map((process) => process?.stop()))
      await load.stop()
      unpin()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
