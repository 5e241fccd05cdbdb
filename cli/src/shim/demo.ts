import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeSecret, newTotpSecret, provisioningUri, SallyportError, systemRandom } from '@sallyport/core'
import { style } from '../output.ts'
import { terminalQr } from '../terminal-qr.ts'
import { startShim, stopOnSignal } from './run.ts'
import { startSimulatedPump } from './simulated-pump.ts'

const account = 'alice@example.org'
const settings = { algorithm: 'SHA1', digits: 6, period: 30 } as const

/** The whole gate without hardware: two virtual cables, a pump that answers, and one technician. */
export async function demoCommand({ dir }: { dir?: string }): Promise<void> {
  const own = dir === undefined
  const directory = own ? mkdtempSync(join(tmpdir(), 'sallyport-shim-')) : resolve(dir)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const at = (name: string) => join(directory, name)
  const cables = new Set<ChildProcess>()
  const end = () => {
    // One that is asked to end removes its links itself, under the hands of whoever removes the whole directory.
    for (const cable of cables) cable.kill(own ? 'SIGKILL' : 'SIGTERM')
    if (own) rmSync(directory, { recursive: true, force: true })
  }
  process.on('exit', end)
  // With `wait-slave` the cable sees its terminal close, and ends: a hang-up, as a wired line tells one.
  const technician = `PTY,link=${at('technician')},rawer,wait-slave,pty-interval=0.05`
  keepCable(cables, `PTY,link=${at('gate')},rawer`, technician)
  keepCable(cables, `PTY,link=${at('device')},rawer`, `PTY,link=${at('pump')},rawer`)
  for (const name of ['technician', 'gate', 'device', 'pump']) await appears(at(name))
  await startSimulatedPump(at('pump'))
  const secret = newTotpSecret(systemRandom)
  const config = at('shim.yaml')
  writeFileSync(config, configuration(directory, encodeSecret(secret)), { mode: 0o600 })
  const { stop } = await startShim({ config, logLevel: 'error' })
  const uri = provisioningUri({ secret, issuer: 'ShimMFA', account, ...settings })
  process.stdout.write(`${guide({ uri, secret: encodeSecret(secret), port: at('technician'), config })}\n`)
  stopOnSignal(stop)
}

/** A terminal that hangs up takes its cable with it: the next one is plugged in at once. */
function keepCable(cables: Set<ChildProcess>, from: string, to: string): void {
  // Out of this terminal's reach: Ctrl-C is for the gate, which ends its sessions in order first.
  const cable = spawn('socat', ['-t', '0', from, to], { stdio: 'ignore', detached: true })
  cables.add(cable)
  cable.on('error', () => {
    process.stderr.write(
      'error: the demo makes its virtual cables with socat: install it (apt-get install socat)\n',
    )
    process.exit(1)
  })
  cable.on('exit', () => {
    if (cables.delete(cable)) setTimeout(() => keepCable(cables, from, to), 100)
  })
}

async function appears(path: string): Promise<void> {
  for (let tries = 0; !existsSync(path); tries++) {
    if (tries === 100)
      throw new SallyportError('store_unavailable', `${path}: socat did not make it within 5 seconds`)
    await sleep(50)
  }
}

function configuration(directory: string, secret: string): string {
  return JSON.stringify({
    device: { id: 'demo-pump', name: 'Simulated infusion pump' },
    ports: [{ id: 'service', technician: join(directory, 'gate'), device: join(directory, 'device') }],
    technicians: [{ id: account, name: 'Alice', factors: [{ type: 'totp', secret }] }],
    vault: 'off',
    storage: { dir: directory },
  })
}

/** As whoever began it would begin the next: `npx` has no `sallyport` in the PATH of another terminal. */
const program = process.env.npm_command === 'exec' ? 'npx sallyport' : 'sallyport'

function guide({
  uri,
  secret,
  port,
  config,
}: {
  uri: string
  secret: string
  port: string
  config: string
}): string {
  return [
    terminalQr(uri),
    `${style.bold('1.')} Scan this with an authenticator app. Without a phone, its codes come from`,
    `     oathtool --totp -b ${secret}`,
    `${style.bold('2.')} In a second terminal, plug in with one of`,
    `     picocom -q ${port}  (Ctrl-A Ctrl-X leaves)`,
    `     screen ${port} 9600  (Ctrl-A k leaves)`,
    `   Press Enter, and type:  ${account} <the code>`,
    '   Then ask the pump: STATUS or VERSION. Five wrong codes lock the technician.',
    `${style.bold('3.')} In a third, see how the gate stands, lift a lock, list what was recorded`,
    `     ${program} shim status --config ${config}`,
    `     ${program} shim unlock --config ${config}`,
    `     ${program} recording list ${dirname(config)}`,
    `${style.green('ready')} the demo is running; Ctrl-C ends it and removes it`,
  ].join('\n')
}
