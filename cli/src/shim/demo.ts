import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  encodeSecret,
  newTotpSecret,
  provisioningUri,
  qrTerminal,
  SallyportError,
  systemRandom,
} from '@sallyport/core'
import { style } from '../output.ts'
import { startShim, stopOnSignal } from './run.ts'

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
    for (const cable of cables) cable.kill()
    if (own) rmSync(directory, { recursive: true, force: true })
  }
  process.on('exit', end)
  keepCable(cables, `PTY,link=${at('technician')},rawer`, `PTY,link=${at('gate')},rawer`)
  keepCable(cables, `PTY,link=${at('device')},rawer`, `SYSTEM:${quote(simulatedPump)}`)
  for (const name of ['technician', 'gate', 'device']) await appears(at(name))
  const secret = newTotpSecret(systemRandom)
  const config = at('shim.yaml')
  writeFileSync(config, configuration(directory, encodeSecret(secret)), { mode: 0o600 })
  const { stop } = await startShim({ config, logLevel: 'error' })
  const uri = provisioningUri({ secret, issuer: 'ShimMFA', account, ...settings })
  process.stdout.write(`${guide({ uri, secret: encodeSecret(secret), port: at('technician'), config })}\n`)
  stopOnSignal(stop)
}

/** A line on which every command is answered, as a device's service port does. */
const simulatedPump =
  'while IFS= read -r line; do line=$(printf %s "$line" | tr -d "\\r"); case "$line" in STATUS) printf "RUNNING 12 ml/h\\r\\n";; VERSION) printf "PUMP 4.2\\r\\n";; *) printf "? STATUS or VERSION\\r\\n";; esac; done'

/** For socat, which reads commas, colons and quotes of its own. */
function quote(command: string): string {
  return command.replaceAll(/[\\,:"'!(){}[\]]/g, '\\$&')
}

/** A terminal that hangs up takes its cable with it: the next one is plugged in at once. */
function keepCable(cables: Set<ChildProcess>, from: string, to: string): void {
  const cable = spawn('socat', [from, to], { stdio: 'ignore' })
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
    qrTerminal(uri),
    `${style.bold('1.')} Scan this with an authenticator app, or use the secret ${secret}`,
    `   (without a phone: oathtool --totp -b ${secret})`,
    `${style.bold('2.')} In a second terminal, plug in with one of:`,
    `     picocom ${port}`,
    `     screen ${port} 9600`,
    `   press Enter, and type:  ${account} <the code>`,
    '   Then ask the pump: STATUS or VERSION. Five wrong codes lock the technician.',
    `${style.bold('3.')} From a third:  sallyport shim status --config ${config}`,
    `${style.green('ready')} the demo is running; Ctrl-C ends it and removes it`,
  ].join('\n')
}
