import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

export interface RunningDemo {
  base: string
  stop(): Promise<void>
}

/** The demo as people start it, on a free port. */
export async function startDemo(...flags: string[]): Promise<RunningDemo> {
  const child = spawn(process.execPath, [main, '--port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const base = /open (http:\/\/127\.0\.0\.1:\d+)\/$/.exec(line)?.[1]
    if (!base) continue
    const stop = async () => {
      child.kill()
      await exited
    }
    return { base, stop }
  }
  throw new Error('the demo ended before it listened')
}

/** Runs the demo to its end: for starts that fail. */
export async function runDemo(...flags: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...flags])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}
