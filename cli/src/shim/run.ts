import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SallyportError } from '@sallyport/core'
import {
  createAlerts,
  createShim,
  type Shim,
  type ShimLog,
  serveControl,
  shimControl,
  systemTimers,
} from '@sallyport/gate-serial'
import { pino } from 'pino'
import { style } from '../output.ts'
import { version } from '../version.ts'
import { openShim } from './open-shim.ts'
import { controlPath, readShimConfig } from './read-config.ts'
import { checkReadiness } from './readiness.ts'
import { serviceManagerOf } from './service-manager.ts'
import { startEvidence } from './start-evidence.ts'

const execute = promisify(execFile)
const levels = ['debug', 'info', 'warn', 'error']
const longestStop = 10_000

export async function runCommand(options: { config: string; logLevel: string }): Promise<void> {
  if (!levels.includes(options.logLevel)) {
    throw new SallyportError('invalid_input', `--log-level: must be one of ${levels.join(', ')}`)
  }
  const manager = serviceManagerOf(process.env)
  const { shim, stop, notices, log } = await startShim(options)
  for (const notice of notices) process.stdout.write(`${style.yellow('note')} ${notice}\n`)
  process.stdout.write(`${style.green('ready')} the serial gate is running\n`)
  await manager.attend(shim.status, log)
  stopOnSignal(async () => {
    manager.stop()
    await stop()
  })
}

/** Opens everything, puts the gate to work, and listens for commands on its own socket. */
export async function startShim(options: {
  config: string
  logLevel: string
}): Promise<{ shim: Shim; notices: string[]; log: ShimLog; stop(): Promise<void> }> {
  const config = readShimConfig(options.config)
  await checkReadiness(config)
  const log = pino({ level: options.logLevel }, pino.destination({ dest: 2, sync: true }))
  const foundation = await openShim(config)
  let shim: Shim | null = null
  // Commands are taken only once there is something to command, but a second daemon is refused before it counts a start.
  const control = await serveControl(controlPath(config), async (command, args) => {
    if (shim === null) throw new SallyportError('store_unavailable', 'the gate is still starting; try again')
    return shimControl(shim)(command, args)
  }).catch(async (error: unknown) => {
    await foundation.close()
    throw error
  })
  let ship = () => {}
  const alerts = createAlerts({
    ...{ dir: join(config.storage.dir, 'alerts'), timers: systemTimers, log },
    ...{ store: foundation.store, clock: foundation.clock, device: config.device.id },
    urgent: () => ship(),
  })
  try {
    const software = `sallyport ${version}`
    const common = { ...foundation, config, alerts, timers: systemTimers, log }
    const running = await createShim({ ...common, synchronised, software })
    shim = running
    const evidence = await startEvidence({ ...common, shim: running, configFile: options.config })
    ship = evidence.ship
    const stop = async () => {
      await running.stop()
      await evidence.stop()
      await control.close()
      await foundation.close()
    }
    return { shim: running, notices: foundation.notices, log, stop }
  } catch (error) {
    await shim?.stop()
    await control.close()
    await foundation.close()
    throw error
  }
}

/** Whether anything keeps the system's clock right; where that cannot be told, nothing does. */
async function synchronised(): Promise<boolean> {
  try {
    const { stdout } = await execute('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
    return stdout.trim() === 'yes'
  } catch {
    return existsSync('/run/systemd/timesync/synchronized')
  }
}

/** The first signal ends sessions in order; a second one, or ten seconds, ends at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  const onSignal = () => {
    if (stopping) process.exit(1)
    stopping = true
    setTimeout(() => process.exit(1), longestStop).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`could not stop in order: ${String(error)}\n`)
        process.exit(1)
      },
    )
  }
  // SIGHUP: the terminal that it was started in was closed.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal)
}
