import { isIP } from 'node:net'
import { SallyportError, ticketLink } from '@sallyport/core'
import { createHttpGate } from '@sallyport/gate-http'
import type { Command } from 'commander'
import { pino } from 'pino'
import { builtPages } from '../built-pages.ts'
import { startHousekeeping } from '../housekeeping.ts'
import { style } from '../output.ts'
import { openSallyport, type Sallyport } from '../sallyport.ts'
import { gateConfig, isAnyAddress } from '../services.ts'
import { siemMeasures, startShipping } from '../siem-shipping.ts'
import { startThreatWatch } from '../threat-watch.ts'
import { createUntrustedProxyNote, untrustedProxyAdvice, untrustedProxySeen } from '../untrusted-proxy.ts'
import { version } from '../version.ts'
import { type CommonOptions, configOf, curlLine, installationCommand, isoTime } from './common.ts'

const longestStop = 10_000
const noPages = 'the pages are not built, so this serves the API alone: npm run build:web builds them'

interface ServeOptions extends CommonOptions {
  host?: string
  port?: string
}

export function addServeCommand(program: Command): void {
  const command = installationCommand('serve', 'run the product: one process, one port')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <number>', 'port to listen on (default: 8080)')
    .addHelpText('after', '\nExample:\n  $ sallyport serve --port 8080 --data ./data\n')
    .action((options: ServeOptions) => serve(options))
  program.addCommand(command.exitOverride())
}

async function serve(options: ServeOptions): Promise<void> {
  const config = configOf(options, { 'listen.host': options.host, 'listen.port': options.port })
  const log = pino({ level: config.log.level }, pino.destination({ dest: 2, sync: true }))
  const sallyport = await openSallyport(config, log)
  const { store, vault, ledger } = sallyport
  const { host, port } = config.listen
  // Before anybody is let in: what was blocked stays blocked.
  const stopWatching = await startThreatWatch(sallyport, log)
  const pages = builtPages(sallyport)
  const gate = createHttpGate(
    { version, ...gateConfig(sallyport), pages },
    {
      ...sallyport,
      log,
      measures: siemMeasures(sallyport),
      onUntrustedProxy: createUntrustedProxyNote(sallyport, log),
      readiness: {
        store: () => store.check(),
        vault: () => vault.reload(),
        ledger: async () => void (await store.read((tx) => tx.ledger.head())),
      },
    },
  )
  const server = await gate.listen({ host, port }).catch(async (error: NodeJS.ErrnoException) => {
    await stopWatching()
    await sallyport.close()
    throw cannotListen(error, config.listen)
  })
  const stopHousekeeping = startHousekeeping(sallyport, log)
  const stopShipping = startShipping(sallyport, log)
  log.info({ version, url: server.url, ledger: ledger.id }, 'listening')
  stopOnSignal(log, async () => {
    await server.close()
    await stopHousekeeping()
    await stopShipping()
    await stopWatching()
    await sallyport.close()
  })
  sallyport.notices.push(...placeNotices(sallyport, server.url))
  const setup = await firstAdminLines(sallyport, config.public_url ?? server.url)
  const seen = await untrustedProxySeen(sallyport)
  if (seen !== null) sallyport.notices.push(`${untrustedProxyAdvice} (last seen ${seen})`)
  for (const notice of sallyport.notices) process.stdout.write(`${style.yellow('note')} ${notice}\n`)
  if (pages === null) process.stdout.write(`${style.yellow('note')} ${noPages}\n`)
  for (const line of setup) process.stdout.write(`${line}\n`)
  process.stdout.write(`${style.green('ready')} Sallyport ${version} is running: open ${server.url}/\n`)
}

/** Where people find it, as far as that is not the address that is listened on. */
function placeNotices({ config, webauthn }: Sallyport, url: string): string[] {
  const { public_url: publicUrl, listen } = config
  if (publicUrl !== undefined) return [`people reach it at ${publicUrl}`]
  if (isAnyAddress(listen.host))
    return ['public_url is not set, and links in letters lead to localhost: set it to the address people use']
  const { hostname, port } = new URL(url)
  if (webauthn === null || isIP(hostname.replace(/^\[|\]$/g, '')) === 0) return []
  return [`browsers keep passkeys for names only: use http://localhost:${port}/ to try them here`]
}

/** How to make the first administrator, while there is none. A new start voids the link before. */
async function firstAdminLines({ invitations }: Sallyport, publicUrl: string): Promise<string[]> {
  const link = await invitations.firstAdminLink()
  if (!link) return []
  const { token, expiresAt } = link
  const accept = { token, email: 'you@example.org', password: '…' }
  return [
    `${style.yellow('setup')} there is no administrator yet. This link makes the first, once, until ${isoTime(expiresAt)}:`,
    `  ${style.bold(ticketLink(publicUrl, { purpose: 'first_admin', token }))}`,
    'or, without a browser:',
    `  ${curlLine(`${publicUrl}/auth/invitation/accept`, accept)}`,
  ]
}

function cannotListen(error: NodeJS.ErrnoException, listen: { host: string; port: number }): SallyportError {
  const { host, port } = listen
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is taken; choose another with --port, or stop what uses it`,
    EACCES: `port ${port} needs rights that this user does not have; choose one above 1023 with --port`,
    EADDRNOTAVAIL: `${host} is no address of this machine; choose another with --host`,
    ENOTFOUND: `${host} is no known name; choose another with --host`,
  }
  const reason = reasons[error.code ?? ''] ?? `cannot listen on ${host}:${port} (${error.message})`
  return new SallyportError('config_invalid', reason, { cause: error })
}

/** The first signal stops in order; a second one, or ten seconds, stops at once. */
function stopOnSignal(
  log: { info(message: string): void; error(facts: object, message: string): void },
  stop: () => Promise<void>,
): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info(`${signal}: stopping`)
    setTimeout(() => process.exit(1), longestStop).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error }, 'could not stop in order')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
