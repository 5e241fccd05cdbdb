import type { Contender, Row } from '../harness.ts'
import { bare, openRelays, type Relay, socat, soft, strict } from '../serial/relays.fixture.ts'

/** So long a line rests between two bytes that everybody went to sleep. */
const rest = 1_000
const longer = 3

/** One byte from the technician to the device and one back, by who stands between them. */
export function serialTripRow(): Row {
  return {
    name: 'serial-trip',
    title: 'one byte there and back over a serial line',
    async prepare() {
      const relays = await openRelays()
      const ratio = (name: string, figure: string) => ({
        text: `${figure}, ${name} ÷ socat`,
        of: [name, figure] as const,
        per: [socat, figure] as const,
      })
      const claims = [
        { ...ratio(soft, 'steady p50 µs'), atMost: 1.1 },
        { text: `steady p99 µs, ${soft}`, of: [soft, 'steady p99 µs'] as const, atMost: 1_000 },
        { text: `steady p99 µs, ${strict}`, of: [strict, 'steady p99 µs'] as const, atMost: 5_000 },
        ratio(soft, 'warm p50 µs'),
        ratio(soft, 'steady p99 µs'),
        ratio(strict, 'steady p50 µs'),
      ]
      return { contenders: relays.all.map(contender), claims, close: relays.close }
    },
  }
}

function contender({ name, pair, load }: Relay): Contender {
  return {
    name,
    async run(ms) {
      const trips = name === bare ? load.bareTrips : load.trips
      const steady = await trips(pair, { ms: ms * longer, rest })
      const warm = await trips(pair, { ms, rest: 0 })
      return {
        'steady p50 µs': steady.p50,
        'steady p99 µs': steady.p99,
        'steady p99.9 µs': steady.p999,
        'warm p50 µs': warm.p50,
        'warm p99 µs': warm.p99,
      }
    },
  }
}
