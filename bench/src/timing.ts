import type { Figures } from './harness.ts'
import { percentile } from './statistics.ts'

/** The clock is looked at once for so many calls, where a call takes about a microsecond. */
const batch = 32

/**
 * What a short piece of work costs. In processor time of this thread, not in time on the wall: where
 * nothing is waited for the two are the same on a machine of one's own, and nobody has one.
 */
export function rate(ms: number, work: (index: number) => void): Figures {
  const counted = count(ms)
  while (counted.goesOn()) for (let i = 0; i < batch; i++) work(counted.next())
  return counted.figures()
}

/** The same for work that is awaited, one after another. */
export async function asyncRate(ms: number, work: (index: number) => Promise<unknown>): Promise<Figures> {
  const counted = count(ms)
  while (counted.goesOn()) for (let i = 0; i < batch; i++) await work(counted.next())
  return counted.figures()
}

function count(ms: number) {
  const until = performance.now() + ms
  const begun = process.threadCpuUsage()
  let done = 0
  return {
    goesOn: () => done === 0 || performance.now() < until,
    next: () => done++,
    figures(): Figures {
      const { user, system } = process.threadCpuUsage(begun)
      const micros = Math.max(1, user + system)
      return { 'per CPU second': (done / micros) * 1e6, 'CPU µs': micros / done }
    },
  }
}

/** Several callers, each of whom asks again as soon as it was answered. */
export async function callers(
  options: { ms: number; count: number },
  work: (caller: number) => Promise<void>,
): Promise<Figures> {
  const latencies: number[] = []
  const begun = performance.now()
  const until = begun + options.ms
  const call = async (caller: number) => {
    do {
      const asked = performance.now()
      await work(caller)
      latencies.push(performance.now() - asked)
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: options.count }, (_, caller) => call(caller)))
  return {
    'per second': (latencies.length / (performance.now() - begun)) * 1000,
    'p50 ms': percentile(latencies, 50),
    'p99 ms': percentile(latencies, 99),
  }
}

/** Processor time of the whole process, threads of its pool included, and time on the wall. */
export async function cost(work: () => Promise<void>): Promise<Figures> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await work()
  const elapsed = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  return { 'CPU ms': (user + system) / 1000, ms: elapsed }
}
