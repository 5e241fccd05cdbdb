import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '@sallyport/core'
import type { Frame } from './frame.ts'
import { readRecording } from './read-recording.ts'
import { createRecorder } from './recorder.ts'
import { nodeFs, type RecorderFs } from './recorder-fs.ts'
import type { Recorder, RecorderLimits, RecordingHeader } from './recording.ts'
import { generateAuditorKey, parseAuditorKey, parseAuditorPrivateKey } from './session-key.ts'
import { openSigningKey } from './signing-key.ts'

export interface World {
  dir: string
  sessions: string
  recorder: Recorder
  signingKey: KeyObject
  publicKey: KeyObject
  auditorKey: KeyObject
  clock: { at: number; now(): number; monotonic(): number }
  header(session?: string): RecordingHeader
  /** Another start of the program on the same directory. */
  restart(limits?: Partial<RecorderLimits>): Recorder
  /** Everything that is in a recording, for the auditor. */
  frames(path: string): Promise<Frame[]>
  remove(): void
}

export interface WorldOptions {
  sealed?: boolean
  limits?: Partial<RecorderLimits>
  fs?: RecorderFs
}

/** A recorder in a directory of its own, with a clock that goes on a millisecond whenever it is asked. */
export function createWorld({ sealed = true, limits = {}, fs = nodeFs }: WorldOptions = {}): World {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-recorder-'))
  const auditor = generateAuditorKey(systemRandom)
  const signingKey = openSigningKey(join(dir, 'state'), systemRandom)
  const sessions = join(dir, 'sessions')
  const clock = {
    at: Date.UTC(2026, 3, 15, 9, 22, 3),
    now: () => clock.at,
    monotonic: () => {
      clock.at += 1
      return clock.at
    },
  }
  const restart = (others: Partial<RecorderLimits> = {}) =>
    createRecorder({
      ...{ dir: sessions, signingKey, clock, random: systemRandom, fs },
      auditorKeys: sealed ? [parseAuditorKey(auditor.publicKey)] : [],
      limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null, ...limits, ...others },
    })
  const publicKey = createPublicKey(signingKey)
  const auditorKey = parseAuditorPrivateKey(auditor.privateKeyPem)
  return {
    ...{ dir, sessions, signingKey, publicKey, auditorKey, clock, restart },
    recorder: restart(),
    header: (session = 'session-1') => ({
      ...{
        session,
        port: 'service',
        software: 'test',
        policy: { mode: 'fixed' },
        portSettings: { baud: 9600 },
      },
      device: { id: 'empump-12', name: 'Infusion pump 12' },
      technician: { id: 'alice@example.org', name: 'Alice' },
      openedBy: [{ factor: 'totp', detail: { step: 59_000_000 } }],
      clock: { synchronised: true },
    }),
    async frames(path) {
      const found: Frame[] = []
      const content = await readRecording(path, { publicKey, auditorKey })
      for await (const frame of content.frames) found.push({ ...frame, bytes: Buffer.from(frame.bytes) })
      return found
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** Numbers that look random and are the same in every run (mulberry32). */
export function seeded(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }
}
