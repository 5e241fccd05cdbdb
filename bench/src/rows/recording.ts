import { createHash } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock, systemRandom } from '@sallyport/core'
import {
  createRecorder,
  generateAuditorKey,
  openSigningKey,
  parseAuditorKey,
  type RecordingMode,
} from '@sallyport/gate-serial'
import type { Contender, Figures, Row } from '../harness.ts'

const frame = Buffer.alloc(64, 'x')
/** Frames that arrive together, and that a peer may group as well. */
const burst = 512

/** 64-byte frames of a serial line into a file: ours against what most would write. */
export function recordingRow(): Row {
  return {
    name: 'recording',
    title: 'recording 64-byte frames',
    async prepare() {
      const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
      const contenders = [ours(dir, 'best-effort'), ours(dir, 'strict'), jsonLines(dir), sqliteRows(dir)]
      const [bestEffort, strict] = contenders.map(({ name }) => name)
      const claims = [
        {
          text: 'chained and sealed, frames per second',
          of: [bestEffort!, 'frames per second'],
          atLeast: 1e6,
        },
        { text: 'chained and sealed, per CPU second', of: [bestEffort!, 'per CPU second'], atLeast: 1e6 },
        ...[jsonName, sqliteName].map((peer) => ({
          text: `ours, chained and sealed ÷ ${peer}`,
          of: [bestEffort!, 'per CPU second'] as const,
          per: [peer, 'per CPU second'] as const,
          atLeast: 1,
        })),
        {
          text: `ours, durable every ${burst} frames ÷ ${jsonName}`,
          of: [strict!, 'frames per second'],
          per: [jsonName, 'frames per second'],
        },
      ] as const
      const close = async () => rmSync(dir, { recursive: true, force: true })
      return { contenders, claims, close }
    },
  }
}

const jsonName = 'JSON lines + SHA-256'
const sqliteName = 'a row of SQLite each'

function ours(dir: string, mode: RecordingMode): Contender {
  const auditor = generateAuditorKey(systemRandom)
  const recorder = createRecorder({
    dir: join(dir, `sessions-${mode}`),
    signingKey: openSigningKey(join(dir, 'state'), systemRandom),
    auditorKeys: [parseAuditorKey(auditor.publicKey)],
    clock: { ...systemClock, monotonic: () => performance.now() },
    random: systemRandom,
    limits: { minFree: 0, maxTotal: Number.MAX_SAFE_INTEGER, retention: null },
  })
  const header = {
    ...{ session: 'bench', port: 'service', software: 'bench', policy: null, portSettings: {}, clock: {} },
    ...{ device: { id: 'device' }, technician: { id: 'technician' }, openedBy: [] },
  }
  return {
    name: `recorder (ours), ${mode}`,
    async run(ms) {
      const recording = await recorder.open(header, { mode })
      const figures = await perSecond(ms, async () => {
        let written: Promise<void> | undefined
        for (let n = 0; n < burst; n++) written = recording.write('out', frame)
        await written
      })
      const { path } = await recording.close('done')
      rmSync(path)
      return figures
    },
  }
}

/** Each line names the hash of the one before it; written in bursts, made durable at the end. */
function jsonLines(dir: string): Contender {
  const path = join(dir, 'frames.jsonl')
  return {
    name: jsonName,
    async run(ms) {
      const fd = openSync(path, 'w')
      let previous = ''
      const figures = await perSecond(ms, async () => {
        let lines = ''
        for (let n = 0; n < burst; n++) {
          const line = JSON.stringify({
            at: Date.now(),
            dir: 'out',
            prev: previous,
            data: frame.toString('base64'),
          })
          previous = createHash('sha256').update(line).digest('hex')
          lines += `${line}\n`
        }
        writeSync(fd, lines)
      })
      fdatasyncSync(fd)
      closeSync(fd)
      return figures
    },
  }
}

/** One transaction a burst, not durable until a checkpoint: `synchronous = normal` in WAL mode. */
function sqliteRows(dir: string): Contender {
  return {
    name: sqliteName,
    async run(ms) {
      const path = join(dir, 'frames.db')
      rmSync(path, { force: true })
      const database = new DatabaseSync(path)
      database.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = normal')
      database.exec('CREATE TABLE frame (id INTEGER PRIMARY KEY, at INTEGER, dir TEXT, data BLOB)')
      const insert = database.prepare('INSERT INTO frame (at, dir, data) VALUES (?, ?, ?)')
      const figures = await perSecond(ms, async () => {
        database.exec('BEGIN')
        for (let n = 0; n < burst; n++) insert.run(Date.now(), 'out', frame)
        database.exec('COMMIT')
      })
      database.close()
      return figures
    },
  }
}

async function perSecond(ms: number, work: () => Promise<void>): Promise<Figures> {
  const begun = performance.now()
  const cpu = process.cpuUsage()
  let frames = 0
  while (performance.now() - begun < ms) {
    await work()
    frames += burst
  }
  const { user, system } = process.cpuUsage(cpu)
  return {
    'frames per second': (frames / (performance.now() - begun)) * 1000,
    'per CPU second': (frames / Math.max(1, user + system)) * 1e6,
  }
}
