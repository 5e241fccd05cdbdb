import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTtyEndpoint } from '../../gates/serial/src/endpoints/tty-endpoint.ts'
import { callControl } from '../../gates/serial/src/index.ts'
import { startSallyport } from './cli.ts'

export const secrets = { alice: 'JBSWY3DPEHPK3PXP', bob: 'KRSXG5CTMVRXEZLU', carol: 'MFRGGZDFMZTWQ2LK' }

/** What an authenticator shows, by a program that knows nothing of ours. */
export function codeOf(name: keyof typeof secrets, at?: string): string {
  const words = ['--totp', '--base32', ...(at === undefined ? [] : ['--now', at]), secrets[name]]
  return spawnSync('oathtool', words, { encoding: 'utf8' }).stdout.trim()
}

/** Waits for what is certain to come, and says what did not. */
export async function until<T>(what: string, look: () => Promise<T> | T): Promise<NonNullable<T>> {
  for (let tries = 0; tries < 1_600; tries++) {
    const seen = await look()
    if (seen) return seen as NonNullable<T>
    await sleep(25)
  }
  throw new Error(`never seen: ${what}`)
}

/** One end of a cable, with everything that came out of it. */
export async function plugIn(path: string) {
  let pieces: Buffer[] = []
  let lost = false
  const seen = () => {
    if (pieces.length !== 1) pieces = [Buffer.concat(pieces)]
    return pieces[0]!
  }
  const endpoint = createTtyEndpoint({
    ...{ path, baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow: 'none' },
  })
  const line = await endpoint.open({
    data(bytes) {
      pieces.push(bytes)
    },
    lost() {
      lost = true
    },
    signals() {},
    broke() {},
  })
  return {
    type: (text: string | Uint8Array) => line.write(typeof text === 'string' ? Buffer.from(text) : text),
    seen,
    text: () => seen().toString('latin1'),
    lost: () => lost,
    forget() {
      pieces = []
    },
    /** Waits for a text, and answers all there is up to then. */
    async expect(text: string) {
      const all = () => seen().toString('latin1')
      try {
        return await until(text, () => (seen().includes(text) ? all() : null))
      } catch (error) {
        throw new Error(`${(error as Error).message}; there is ${JSON.stringify(all().slice(-2_000))}`)
      }
    },
    /** Stops reading, and goes on. */
    stopReading: () => line.pause(),
    goOn: () => line.resume(),
    unplug: () => line.cut(),
  }
}

export type Plug = Awaited<ReturnType<typeof plugIn>>

interface Status {
  ports: {
    id: string
    state: string
    session_id: string | null
    reason: string | null
    bytes_in: number
    bytes_out: number
    dropped_out: number
    endpoints: { technician: string; device: string }
  }[]
  boot_count: number
  clock: { trusted: boolean; reason?: string }
}

/** A bench: two virtual cables, a configuration, and the gate between them. */
export function makeBench(
  extra: Record<string, unknown> | ((at: (name: string) => string) => Record<string, unknown>) = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'shim-'))
  const at = (name: string) => join(directory, name)
  const cables = new Map<string, ChildProcess>()
  const config = at('shim.yaml')
  mkdirSync(at('data'), { mode: 0o700 })
  const technicians = Object.entries(secrets).map(([name, secret]) => ({
    ...{ id: `${name}@example.org`, factors: [{ type: 'totp', secret }] },
  }))
  const document = {
    device: { id: 'pump-12' },
    ports: [{ id: 'service', technician: at('gate-near'), device: at('gate-far') }],
    ...{ technicians, vault: 'off', storage: { dir: at('data') } },
    ...(typeof extra === 'function' ? extra(at) : extra),
  }
  writeFileSync(config, JSON.stringify(document), { mode: 0o600 })
  let running: ChildProcess | null = null
  let log = ''

  /** One that `hangsUp` ends when the terminal at its `from` closes; the other kind tells nothing of it. */
  async function cable(from: string, to: string, { hangsUp = false } = {}): Promise<void> {
    const seesClose = hangsUp ? ',wait-slave,pty-interval=0.02' : ''
    const ends = [`PTY,link=${at(to)},rawer`, `PTY,link=${at(from)},rawer${seesClose}`]
    const child = spawn('socat', ['-t', '0', ...ends], { stdio: 'ignore' })
    cables.set(from, child)
    await until(`${from} and ${to}`, () => existsSync(at(from)) && existsSync(at(to)))
  }

  const status = async () => (await callControl(at('data/state/control.sock'), 'status')) as Status
  const port = async () => (await status()).ports[0]!

  return {
    ...{ at, config, cable, status, port },
    control: (command: string, args = {}) => callControl(at('data/state/control.sock'), command, args),
    log: () => log,
    pid: () => running!.pid!,
    async start(env: Record<string, string> = {}) {
      const child = startSallyport(['shim', 'run', '--config', config], { env })
      running = child
      let out = ''
      child.stdout!.on('data', (chunk) => {
        out += chunk
      })
      child.stderr!.on('data', (chunk) => {
        log += chunk
      })
      await until('ready', () => {
        if (child.exitCode !== null) throw new Error(`the gate ended: ${out}${log}`)
        return out.includes('ready')
      })
      await until('both lines', async () => {
        const { technician, device } = (await port()).endpoints
        return technician === 'open' && device === 'open'
      })
    },
    state: (name: string) => until(`state ${name}`, async () => (await port()).state === name),
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      const child = running!
      const ended = once(child, 'exit')
      child.kill(signal)
      return (await ended)[0] as number | null
    },
    unplugCable: (from: string) => cables.get(from)!.kill(),
    async remove() {
      if (running?.exitCode === null && running.signalCode === null) await this.stop('SIGKILL')
      for (const child of cables.values()) child.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export type Bench = ReturnType<typeof makeBench>

/** Passes the gate at the far end of the cable. */
export async function passGate(near: Plug, name: keyof typeof secrets): Promise<string> {
  near.type(`${name}@example.org ${codeOf(name)}\r`)
  return /Session (\S+) is/.exec(await near.expect('is being recorded.\r\n'))![1]!
}
