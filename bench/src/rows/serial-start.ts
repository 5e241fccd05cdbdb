import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Row } from '../harness.ts'
import { pinLoad, startProgram } from '../http/process.ts'
import { startSerialLoad } from '../serial/load.ts'
import { packedShim, writeShimConfig } from '../serial/relays.fixture.ts'

const ours = 'shim run (ours), packed'

/** The packed program from nothing to its ready line, over a port whose line it opens; and what it takes. */
export function serialStartRow(): Row {
  return {
    name: 'serial-start',
    title: 'start of the serial gate, and its resident memory',
    async prepare() {
      const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
      const unpin = pinLoad()
      const load = await startSerialLoad(directory, 1)
      const program = await packedShim()
      const { file } = writeShimConfig(join(directory, 'gate'), { ports: load.ports, mode: 'strict' })
      const cache = { NODE_COMPILE_CACHE: join(directory, 'cache') }
      const words = [program, 'shim', 'run', '--log-level', 'error', '--config', file]
      const nothing = "console.log('ready'); setInterval(() => {}, 1e6)"
      const contenders = [
        contender(ours, words, cache),
        contender('node, with nothing to do', [process.execPath, '-e', nothing], {}),
      ]
      const claims = [
        { text: 'start ms', of: [ours, 'start ms'] as const, atMost: 300 },
        { text: 'start CPU ms', of: [ours, 'start CPU ms'] as const, atMost: 300 },
        { text: 'idle MiB', of: [ours, 'idle MiB'] as const, atMost: 70 },
      ]
      const close = async () => {
        await load.stop()
        unpin()
        rmSync(directory, { recursive: true, force: true })
      }
      return { contenders, claims, close }
    },
  }
}

function contender(name: string, words: readonly string[], env: Record<string, string>): Contender {
  return {
    name,
    async run() {
      const running = await startProgram(words, { ready: /^ready/, env })
      await sleep(500)
      const { startMs, startCpuMs } = running
      const figures = {
        'start ms': startMs,
        'start CPU ms': startCpuMs,
        'idle MiB': running.residentMiB(),
      }
      await running.stop()
      return figures
    },
  }
}
