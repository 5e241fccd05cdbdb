import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordingMode } from '@sallyport/gate-serial'
import type { Contender, Row } from '../harness.ts'
import { type ProgramProcess, pinLoad } from '../http/process.ts'
import { type SerialLoad, startSerialLoad } from '../serial/load.ts'
import { openGate, openSocat } from '../serial/relays.fixture.ts'
import { median } from '../statistics.ts'

const count = 16
/** 115,200 baud, ten bits a byte. */
const rate = 11_520
/** A USB adapter hands over what fills its packet: 62 bytes. */
const tick = (62 / rate) * 1e6
const longer = 20

/** Sixteen lines at 115,200 baud, both ways at once: a byte that is lost or altered ends the run. */
export function serialPortsRow(): Row {
  return {
    name: 'serial-ports',
    title: `${count} ports at 115,200 baud, full duplex`,
    async prepare() {
      const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
      const unpin = pinLoad()
      const sides = [
        await gate(directory, 'best-effort'),
        await gate(directory, 'strict'),
        await socats(directory),
      ]
      const [soft, strict] = sides.map(({ contender }) => contender.name)
      const claims = [
        { text: `% of one core, ${soft}`, of: [soft!, '% of a core'] as const, atMost: 25 },
        { text: `% of one core, ${strict}`, of: [strict!, '% of a core'] as const, atMost: 25 },
        { text: 'code typed to session open, ms', of: [strict!, 'log-in p50 ms'] as const, atMost: 50 },
      ]
      const close = async () => {
        for (const side of sides) await side.stop()
        unpin()
        rmSync(directory, { recursive: true, force: true })
      }
      return { contenders: sides.map(({ contender }) => contender), claims, close }
    },
  }
}

async function gate(root: string, mode: RecordingMode) {
  const directory = mkdtempSync(join(root, 'gate-'))
  const load = await startSerialLoad(directory, count)
  const running = await openGate(directory, { load, first: 0, pairs: count, mode })
  const figures = () => ({ MiB: running.residentMiB(), 'log-in p50 ms': median(running.loginMs) })
  return side(`ours, ${mode}`, { load, processes: [running], figures })
}

async function socats(root: string) {
  const load = await startSerialLoad(mkdtempSync(join(root, 'socat-')), count)
  const processes = await Promise.all(load.ports.map(openSocat))
  return side(`${count} × socat`, { load, processes, figures: () => ({}) })
}

function side(
  name: string,
  parts: { load: SerialLoad; processes: ProgramProcess[]; figures(): Record<string, number> },
): { contender: Contender; stop(): Promise<void> } {
  const { load, processes, figures } = parts
  const spent = () => processes.reduce((sum, one) => sum + one.cpuMicros(), 0)
  return {
    contender: {
      name,
      async run(ms) {
        const before = spent()
        const { bytes, seconds } = await load.flow({ rate, tick, ms: ms * longer })
        const share = (spent() - before) / (seconds * 1e6)
        return { '% of a core': share * 100, 'bytes per second': bytes / seconds, ...figures() }
      },
    },
    async stop() {
      await Promise.all(processes.map((one) => one.stop()))
      await load.stop()
    },
  }
}
