import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadCore } from '../http/process.ts'

/** Of one byte there and back, in microseconds. */
export interface Trips {
  trips: number
  p50: number
  p99: number
  p999: number
}

/** The far and the near end of each line, held by a small program in C that makes the load. */
export interface SerialLoad {
  /** What a relay opens: the technician's end and the device's, of each pair. */
  ports: readonly (readonly [near: string, far: string])[]
  /** Passes the gate with this line; answers how long that took from its last character on. */
  login(pair: number, credential: string): Promise<{ ms: number }>
  /** One byte there and back, over and over, with so many microseconds of rest in between. */
  trips(pair: number, options: { ms: number; rest: number }): Promise<Trips>
  /** The same through a pair that nobody else opened: the master's side and the slave's. */
  bareTrips(pair: number, options: { ms: number; rest: number }): Promise<Trips>
  /** As much as goes through one way; every byte is looked at. */
  bulk(pair: number, way: 'in' | 'out' | 'bare', ms: number): Promise<{ bytes: number; mb_per_s: number }>
  /** All pairs, both ways at once, at `rate` bytes per second each way, handed over every `tick` microseconds. */
  flow(options: { rate: number; tick: number; ms: number }): Promise<{ bytes: number; seconds: number }>
  stop(): Promise<void>
}

/** Compiles the program into `directory`, and runs it on the load's core. */
export async function startSerialLoad(directory: string, pairs: number): Promise<SerialLoad> {
  const program = join(directory, 'load')
  compile(program)
  const child = spawn('taskset', ['-c', String(loadCore), program, String(pairs)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`the load ended: ${said || 'it waited too long'}`)
    return JSON.parse(value)
  }
  const ask = (command: string) => {
    child.stdin.write(`${command}\n`)
    return answer()
  }
  return {
    ports: await answer(),
    login: (pair, credential) => ask(`login ${pair} ${credential}`),
    trips: (pair, { ms, rest }) => ask(`trips ${pair} ${ms} ${rest}`),
    bareTrips: (pair, { ms, rest }) => ask(`bare ${pair} ${ms} ${rest}`),
    bulk: (pair, way, ms) => ask(`bulk ${pair} ${way} ${ms}`),
    flow: ({ rate, tick, ms }) => ask(`flow 0 ${rate} ${tick} ${ms}`),
    async stop() {
      child.stdin.end()
      await exited
    },
  }
}

function compile(program: string): void {
  const source = join(import.meta.dirname, 'load.c')
  try {
    execFileSync('cc', ['-O2', '-pthread', '-o', program, source], { stdio: 'pipe' })
  } catch (cause) {
    throw new Error(`${source} cannot be compiled: apt-get install gcc libc6-dev`, { cause })
  }
}
