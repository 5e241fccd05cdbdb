import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, statSync } from 'node:fs'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { fipsInForce } from '@sallyport/adapters'
import { createLedgerReader, type ErrorCode, SallyportError, verifyStoredLedger } from '@sallyport/core'
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { print, style } from '../output.ts'
import { openSallyport, type Sallyport } from '../sallyport.ts'
import { checkSiem } from '../siem-shipping.ts'
import { untrustedProxyAdvice, untrustedProxySeen } from '../untrusted-proxy.ts'
import { type CommonOptions, configOf, hasBegun, installationCommand } from './common.ts'

const mailTimeout = 5_000

interface Finding {
  check: string
  status: 'ok' | 'warning' | 'failed'
  found: string
  mend?: string | undefined
}

const oldestSaneTime = Date.UTC(2026, 0, 1)

export function addDoctorCommand(program: Command): void {
  const command = installationCommand(
    'doctor',
    'check clock, keys, permissions and database, and say how to mend each',
  )
    .addHelpText(
      'after',
      '\nExit code 1 when something failed.\n\nExample:\n  $ sallyport doctor --data ./data\n',
    )
    .action((options: CommonOptions) => doctor(options))
  program.addCommand(command.exitOverride())
}

async function doctor(options: CommonOptions): Promise<void> {
  const findings: Finding[] = [checkNode(), await checkClock()]
  try {
    const config = configOf(options)
    findings.push({ check: 'configuration', status: 'ok', found: options.config ?? 'defaults' })
    findings.push(...(await checkInstallation(config)))
  } catch (error) {
    findings.push(failure('configuration', error))
  }
  if (findings.some((finding) => finding.status === 'failed')) process.exitCode = 1
  print({
    json: options.json ?? false,
    data: { findings },
    text: () => findings.map(formatFinding).join('\n'),
  })
}

function checkNode(): Finding {
  return { check: 'node', status: 'ok', found: `${process.version}, OpenSSL ${process.versions.openssl}` }
}

async function checkClock(): Promise<Finding> {
  const now = new Date()
  const found = now.toISOString()
  if (now.getTime() < oldestSaneTime) {
    return {
      check: 'clock',
      status: 'failed',
      found,
      mend: 'the clock is years behind: set it, or no code will match',
    }
  }
  const synchronised = await timeSynchronised()
  if (synchronised === true) return { check: 'clock', status: 'ok', found: `${found}, synchronised` }
  const mend = 'let an NTP service keep the clock (systemd-timesyncd, chrony): codes depend on it'
  const doubt = synchronised === false ? 'not synchronised' : 'whether it is synchronised is not known here'
  return { check: 'clock', status: 'warning', found: `${found}, ${doubt}`, mend }
}

function timeSynchronised(): Promise<boolean | null> {
  return new Promise((done) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: 3_000 },
      (error, output) => {
        done(error ? null : output.trim() === 'yes')
      },
    )
  })
}

async function checkInstallation(config: Config): Promise<Finding[]> {
  const data = resolve(config.data)
  if (!hasBegun(config)) {
    return [
      {
        check: 'data directory',
        status: 'warning',
        found: `${data} holds no installation yet`,
        mend: '`sallyport serve` begins one; if there should be one, name its directory with --data',
      },
    ]
  }
  const findings = [checkDirectory(data), checkFips(config)]
  try {
    const sallyport = await openSallyport(config)
    try {
      findings.push(...(await checkParts(sallyport)), await checkProxy(sallyport), await checkSiem(sallyport))
    } finally {
      await sallyport.close()
    }
  } catch (error) {
    findings.push(failure('store and vault', error))
  }
  findings.push(await checkMail(config))
  return findings
}

function checkDirectory(data: string): Finding {
  const check = 'data directory'
  const stats = statSync(data, { throwIfNoEntry: false })
  if (!stats) return { check, status: 'ok', found: `${data} does not exist; the database is elsewhere` }
  const found = `${data}, mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')}`
  if (!isWritable(data)) {
    const mend = `give it to the user that Sallyport runs as: chown ${process.getuid?.() ?? 'USER'} ${data}`
    return { check, status: 'failed', found: `${found}, cannot be written`, mend }
  }
  if ((stats.mode & 0o077) === 0) return { check, status: 'ok', found }
  return { check, status: 'warning', found, mend: `others may look into it: chmod 700 ${data}` }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function checkFips(config: Config): Finding {
  const found = fipsInForce() ? 'in force' : config.fips === 'required' ? 'required, not in force' : 'off'
  return { check: 'fips', status: 'ok', found: `${found}; no certification is claimed` }
}

/** Whether somebody answers where letters are to go; what they would say to a letter, only one can tell. */
async function checkMail({ mail: { smtp } }: Config): Promise<Finding> {
  const check = 'mail'
  if (!smtp) {
    const mend = 'name a server in mail.smtp before anybody relies on it'
    return { check, status: 'warning', found: 'no server is configured: letters go to the console', mend }
  }
  const { host, port } = smtp
  const socket = connect({ host, port, timeout: mailTimeout })
  try {
    await Promise.race([
      once(socket, 'data'),
      once(socket, 'timeout').then(() => Promise.reject(new Error('no answer in time'))),
      ...(smtp.secure === 'tls' ? [once(socket, 'connect')] : []),
    ])
    return { check, status: 'ok', found: `${host}:${port} answers` }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const mend = 'see that mail.smtp.host and .port are right, and that the network lets this machine there'
    return { check, status: 'failed', found: `${host}:${port} does not answer (${code ?? message})`, mend }
  } finally {
    socket.destroy()
  }
}

async function checkParts({ store, vault, ledger }: Sallyport): Promise<Finding[]> {
  await store.check()
  const keys = await store.read((tx) => tx.vaultKeys.list())
  const retiring = keys.filter((key) => key.status === 'retiring').length
  const verified = await verifyStoredLedger({
    ledger: createLedgerReader(store),
    ledgerId: ledger.id,
    publicKey: ledger.publicKey,
  })
  const { status, entries, firstBad } = verified
  const isEmpty = entries === 0 && firstBad === null
  return [
    { check: 'store', status: 'ok', found: 'reads and writes' },
    {
      check: 'vault',
      status: 'ok',
      found: `opens; active key ${vault.activeKeyId}${retiring > 0 ? `, ${retiring} retiring` : ''}`,
    },
    status === 'clean' || isEmpty
      ? { check: 'ledger', status: 'ok', found: isEmpty ? 'no entry yet' : `${entries} entries, clean` }
      : {
          check: 'ledger',
          status: 'failed',
          found: firstBad?.message ?? `${status}: its end is missing`,
          mend: mends.ledger_damaged,
        },
  ]
}

async function checkProxy(sallyport: Sallyport): Promise<Finding> {
  const seen = await untrustedProxySeen(sallyport)
  const { trusted_proxies: trusted } = sallyport.config
  if (seen === null) {
    const found = trusted.length > 0 ? trusted.join(', ') : 'none is trusted, and none was seen'
    return { check: 'proxies', status: 'ok', found }
  }
  const mend = 'name the proxy in trusted_proxies, such as [127.0.0.1, "::1"]'
  return { check: 'proxies', status: 'warning', found: `${untrustedProxyAdvice} (last seen ${seen})`, mend }
}

/** What to do about an error that keeps an installation from opening; `docs/operate.md` says more of each. */
const mends: Partial<Record<ErrorCode, string>> = {
  config_invalid: 'mend these keys; every key is in sallyport.example.yaml',
  vault_key_unreadable:
    'put the key back from your copy of it, or name where it is (vault.key_file, .passphrase_file, .command)',
  vault_wrong_key: 'put back the key that this database was set up with; another one never opens it',
  vault_sealed_damaged: 'put back the last backup of the database',
  fips_unavailable: "install OpenSSL's FIPS provider, or set fips: off",
  store_unavailable: 'see that the database runs, the disk has room, and the permissions are right',
  store_damaged: 'stop Sallyport, keep a copy of the database, and put back the last backup',
  store_schema_newer:
    'start the newer Sallyport that made this database, or put back the backup from before it',
  ledger_damaged: 'keep a copy of the database as it is, and compare it with your last export or backup',
}

function failure(check: string, error: unknown): Finding {
  const found = error instanceof Error ? error.message : String(error)
  const known = error instanceof SallyportError
  const mend = known ? mends[error.code] : 'this is a fault of Sallyport: please report it'
  return { check, status: 'failed', found, mend: mend ?? 'see docs/operate.md for this error' }
}

const indent = ' '.repeat(25)

function formatFinding({ check, status, found, mend }: Finding): string {
  const mark = { ok: style.green('ok     '), warning: style.yellow('warning'), failed: style.red('failed ') }
  const lines = [found, ...(mend === undefined ? [] : [style.dim(`→ ${mend}`)])].join('\n')
  return `${mark[status]}  ${check.padEnd(15)} ${lines.replaceAll('\n', `\n${indent}`)}`
}
