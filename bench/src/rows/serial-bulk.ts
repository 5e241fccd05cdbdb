import type { Contender, Row } from '../harness.ts'
import { bare, openRelays, type Relay, socat, soft, strict } from '../serial/relays.fixture.ts'

/** As much as goes through, one way and then the other; every byte that arrives is looked at. */
export function serialBulkRow(): Row {
  return {
    name: 'serial-bulk',
    title: 'bulk through a serial line',
    async prepare() {
      const relays = await openRelays()
      const ratio = (name: string, figure: string) => ({
        text: `${figure}, ${name}, recorded ÷ socat`,
        of: [name, figure] as const,
        per: [socat, figure] as const,
      })
      const claims = [
        { ...ratio(soft, 'in MB/s'), atLeast: 0.7 },
        { ...ratio(soft, 'out MB/s'), atLeast: 0.7 },
        ratio(strict, 'in MB/s'),
        ratio(strict, 'out MB/s'),
      ]
      return { contenders: relays.all.map(contender), claims, close: relays.close }
    },
  }
}

function contender({ name, pair, load, process }: Relay): Contender {
  return {
    name,
    async run(ms) {
      const before = process?.cpuMicros() ?? 0
      const into = await load.bulk(pair, name === bare ? 'bare' : 'in', ms)
      const out = name === bare ? into : await load.bulk(pair, 'out', ms)
      const figures = { 'in MB/s': into.mb_per_s, 'out MB/s': out.mb_per_s }
      if (process === null) return figures
      const spent = process.cpuMicros() - before
      const megabytes = (into.bytes + out.bytes) / 1e6
      return { ...figures, 'CPU ms for each MB': spent / 1_000 / megabytes, MiB: process.residentMiB() }
    },
  }
}
