import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))

/** What a program needs that is started from nothing; compiled once, it starts in a third of the time. */
export const bareEnvironment = {
  PATH: process.env.PATH ?? '',
  ...(process.env.NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
}

export interface Ran {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  cwd?: string
  input?: string
  env?: Record<string, string>
  /** Runs it as another user, which only root may ask for. */
  uid?: number
}

/** An empty directory; `remove` it afterwards. */
export function makeDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts the real command as a shell would: a process of its own, its output in pipes. */
export function startSallyport(words: readonly string[], options: RunOptions = {}): ChildProcess {
  const { cwd, env, uid } = options
  return spawn(process.execPath, [main, ...words], {
    env: { ...bareEnvironment, ...env },
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  })
}

/** Runs the command to its end. */
export async function sallyport(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = startSallyport(words, options)
  // A command that fails before it reads leaves a broken pipe behind, which is its right.
  child.stdin!.on('error', () => {}).end(options.input ?? '')
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, out, err }
}

/** Runs the command and reads its JSON; fails when it did not say 0. */
export async function sallyportJson<T = Record<string, unknown>>(
  words: readonly string[],
  options: RunOptions = {},
): Promise<T> {
  const { code, out, err } = await sallyport([...words, '--json'], options)
  if (code !== 0) throw new Error(`sallyport ${words.join(' ')} ended with ${code}: ${err}`)
  return JSON.parse(out) as T
}

export interface Serving {
  url: string
  /** What it said up to the ready line. */
  out: string
  child: ChildProcess
  /** Ends it as a supervisor does; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts `sallyport serve` and waits for its ready line. */
export async function serve(words: readonly string[], options: RunOptions = {}): Promise<Serving> {
  const child = startSallyport(['serve', ...words], options)
  const ended = once(child, 'close') as Promise<[number | null]>
  let log = ''
  child.stderr!.on('data', (chunk) => {
    log += chunk
  })
  let out = ''
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    out += chunk
    const url = /^ready .*(https?:\/\/\S+)\/$/m.exec(out)?.[1]
    if (url === undefined) continue
    child.stdout!.resume()
    const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
      child.kill(signal)
      return (await ended)[0]
    }
    return { url, out, child, stop }
  }
  throw new Error(`serve ended with ${(await ended)[0]} before it was ready: ${out}${log}`)
}
