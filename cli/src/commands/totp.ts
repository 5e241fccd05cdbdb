import {
  decodeSecret,
  encodeSecret,
  importTotpSecret,
  matchTotp,
  newTotpSecret,
  provisioningUri,
  SallyportError,
  systemClock,
  systemRandom,
  type TotpSettings,
  timeStep,
  wellFormedCode,
} from '@sallyport/core'
import { Command, Option } from 'commander'
import { print, style } from '../output.ts'
import { terminalQr } from '../terminal-qr.ts'
import { addGroup, readStdin, wholeNumber } from './common.ts'

interface TotpOptions {
  algorithm: TotpSettings['algorithm']
  digits: string
  period: string
  json?: boolean
}

export function addTotpCommands(program: Command): void {
  const generate = totpCommand('generate', 'make a secret, and show it as URI and QR code')
    .option('--issuer <name>', 'who asks for the codes', 'Sallyport')
    .option('--account <name>', 'whose codes they are', 'account')
    .option(
      '--secret-stdin',
      'show a secret that exists, in Base32 from standard input, instead of a new one',
    )
    .addHelpText('after', '\nExample:\n  $ sallyport totp generate --account ada@example.org\n')
    .action((options: GenerateOptions) => generateSecret(options))
  const check = totpCommand(
    'check',
    'check a code against a secret, read from standard input; exit code 1 when it is wrong',
  )
    .argument('<code>', 'the code that the authenticator shows')
    .option('--window <steps>', 'how many steps the clock may be off, either way', '1')
    .addHelpText('after', '\nExample:\n  $ echo JBSWY3DPEHPK3PXP | sallyport totp check 123456\n')
    .action((code: string, options: TotpOptions & { window: string }) => checkCode(code, options))
  addGroup(program, {
    name: 'totp',
    description: 'make a TOTP secret, or check a code by hand',
    commands: [generate, check],
  })
}

function totpCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--algorithm <name>', 'hash').choices(['SHA1', 'SHA256', 'SHA512']).default('SHA1'))
    .addOption(new Option('--digits <n>', 'digits of a code').choices(['6', '7', '8']).default('6'))
    .option('--period <seconds>', 'how long a code lasts', '30')
    .option('--json', 'answer in JSON')
}

interface GenerateOptions extends TotpOptions {
  issuer: string
  account: string
  secretStdin?: boolean
}

async function generateSecret(options: GenerateOptions): Promise<void> {
  const settings = settingsOf(options)
  const { secret, warning } = options.secretStdin
    ? importTotpSecret(await readStdin())
    : { secret: newTotpSecret(systemRandom), warning: null }
  const uri = provisioningUri({ secret, issuer: options.issuer, account: options.account, ...settings })
  const base32 = encodeSecret(secret)
  print({
    json: options.json ?? false,
    data: { secret: base32, provisioning_uri: uri, ...settings, ...(warning ? { warning } : {}) },
    text: () =>
      [
        terminalQr(uri),
        `${style.bold('secret')}  ${base32}`,
        `${style.bold('uri')}     ${uri}`,
        ...(warning
          ? [style.yellow('warning: this secret is shorter than the 128 bits that RFC 4226 asks for')]
          : []),
      ].join('\n'),
  })
}

async function checkCode(code: string, options: TotpOptions & { window: string }): Promise<void> {
  const settings = settingsOf(options)
  const window = wholeNumber('--window', options.window, { from: 0, to: 10 })
  const secret = decodeSecret(await readStdin())
  if (secret.length === 0) {
    throw new SallyportError('invalid_input', 'standard input: must hold the secret, in Base32')
  }
  const now = systemClock.now()
  const step = wellFormedCode(code, settings.digits)
    ? matchTotp({ secret, code, now, window, after: null, ...settings })
    : null
  const drift = step === null ? null : step - timeStep(now, settings.period)
  if (step === null) process.exitCode = 1
  print({
    json: options.json ?? false,
    data: { valid: step !== null, time_step: step, drift_steps: drift },
    text: () =>
      drift === null
        ? style.red('wrong')
        : `${style.green('right')}${drift === 0 ? '' : `, ${steps(Math.abs(drift))} ${drift < 0 ? 'behind' : 'ahead'}`}`,
  })
}

function steps(count: number): string {
  return `${count} ${count === 1 ? 'step' : 'steps'}`
}

function settingsOf(options: TotpOptions): TotpSettings {
  const period = wholeNumber('--period', options.period, { from: 15, to: 120 })
  return { algorithm: options.algorithm, digits: Number(options.digits), period }
}
