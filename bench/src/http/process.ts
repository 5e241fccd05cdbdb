import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const serverCore = 0
export const loadCore = 1

/** None outlives a run that failed: it would read what the next one writes. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A program of its own on the servers' core. */
export interface ProgramProcess {
  /** From the start of the process to the line that says it listens. */
  startMs: number
  /** What that took of the processor, which neighbours on the machine hardly change. */
  startCpuMs: number
  residentMiB(): number
  /** Processor time so far, of all its threads. */
  cpuMicros(): number
  stop(): Promise<void>
}

export interface ServerProcess extends ProgramProcess {
  url: string
}

interface Start {
  args: readonly string[]
  env?: Record<string, string>
}

/** Starts a program of Node's on the servers' core, and waits for its line `ready … http://…`. */
export async function startServer(program: URL, { args, env }: Start): Promise<ServerProcess> {
  const words = [process.execPath, program.pathname, ...args]
  const { ready, ...running } = await startProgram(words, { ready: /^ready .*?(http:\/\/[\d.:]+)/, env })
  return { url: ready[1]!, ...running }
}

/** Starts a program on the servers' core, and waits for the line that says it is ready. */
export async function startProgram(
  command: readonly string[],
  options: { ready: RegExp; env?: Record<string, string> | undefined },
): Promise<ProgramProcess & { ready: RegExpExecArray }> {
  const begun = performance.now()
  const words = ['-c', String(serverCore), ...command]
  // taskset becomes the program, so that the process measured and stopped is the program's own.
  const child = spawn('taskset', words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...ofLauncher(), ...options.env },
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  running.add(child)
  const exited = once(child, 'exit').finally(() => running.delete(child))
  for await (const line of createInterface(child.stdout)) {
    const ready = options.ready.exec(line)
    if (ready === null) continue
    const startMs = performance.now() - begun
    child.stdout.resume()
    const stop = async () => {
      child.kill()
      await exited
    }
    const pid = child.pid!
    const startCpuMs = cpuMicros(pid) / 1_000
    return {
      ready,
      startMs,
      startCpuMs,
      residentMiB: () => residentMiB(pid),
      cpuMicros: () => cpuMicros(pid),
      stop,
    }
  }
  throw new Error(`${command.join(' ')} ended before it was ready: ${said}`)
}

/** Keeps this process, which makes the load, off the servers' core; answers how to end that. */
export function pinLoad(): () => void {
  const set = (cores: string) =>
    execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], { stdio: 'pipe' }).toString()
  const [, before] = /current affinity list: (\S+)/.exec(set(String(loadCore)))!
  return () => void set(before!)
}

/** Both sides start as `npm start` starts ours: with what was compiled before, and its choice of allocator. */
function ofLauncher(): Record<string, string> {
  const names = ['NODE_COMPILE_CACHE', 'MALLOC_MMAP_THRESHOLD_']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function residentMiB(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kibibytes) / 1024
}

/** To the nanosecond, where `/proc/…/stat` counts ticks of ten milliseconds. */
function cpuMicros(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const nanos = tasks.map((task) => {
    return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  })
  return nanos.reduce((sum, some) => sum + some, 0) / 1_000
}
