import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { appendLine } from '../evidence/durable-file.ts'
import { type Heartbeat, parseHeartbeat } from './heartbeat.ts'

const named = /^\d{4}-\d{2}-\d{2}\.log$/

/** `heartbeats/YYYY-MM-DD.log`, one line each. */
export function createHeartbeatLog(dir: string) {
  async function names(): Promise<string[]> {
    return (await readdir(dir)).filter((name) => named.test(name)).sort()
  }

  return {
    append: (beat: Heartbeat) => appendLine(join(dir, `${beat.at.slice(0, 10)}.log`), JSON.stringify(beat)),

    /** The one with the highest number: a clock that was set back may have left it in another day's file. */
    async last(): Promise<Heartbeat | null> {
      let last: Heartbeat | null = null
      for (const name of (await names()).slice(-3)) {
        for (const line of (await readFile(join(dir, name), 'utf8')).split('\n').slice(-3)) {
          const beat = parseHeartbeat(line)
          if (beat && beat.n > (last?.n ?? 0)) last = beat
        }
      }
      return last
    },

    /** Removes the files of the days before. */
    async removeBefore(at: number): Promise<void> {
      const oldest = new Date(at).toISOString().slice(0, 10)
      for (const name of await names()) if (name.slice(0, 10) < oldest) await unlink(join(dir, name))
    },
  }
}
