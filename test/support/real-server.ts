import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const main = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))

export interface Running {
  url: string
  stop(): Promise<void>
}

/** Starts a program that says where it listens, on a port that it was told to choose itself. */
export async function startProgram(
  path: string,
  options: { args?: string[]; env?: object } = {},
): Promise<Running> {
  const child = spawn(process.execPath, [path, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...options.env },
  })
  const exited = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const url = /(http:\/\/(?:127\.0\.0\.1|localhost):\d+)\//.exec(line)?.[1]
    if (!url) continue
    child.stdout.resume()
    const stop = async () => {
      child.kill()
      await exited
    }
    return { url, stop }
  }
  throw new Error(`${path} ended before it listened`)
}

/** The product as people start it, with data of its own. */
export async function startSallyport() {
  const data = await mkdtemp(join(tmpdir(), 'sallyport-test-'))
  const server = await startProgram(main, { args: ['serve', '--port', '0', '--data', data] })
  return {
    url: server.url,
    data,
    async makeKey(scope = 'mfa:read,mfa:write', app = 'default'): Promise<string> {
      const args = [
        'apikey',
        'create',
        '--data',
        data,
        '--name',
        'test',
        '--app',
        app,
        '--scope',
        scope,
        '--json',
      ]
      const { stdout } = await promisify(execFile)(process.execPath, [main, ...args])
      return JSON.parse(stdout).key
    },
    async stop() {
      await server.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}
