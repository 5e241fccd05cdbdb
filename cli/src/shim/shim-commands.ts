import { Command, Option } from 'commander'
import { addGroup } from '../add-group.ts'
import type { BreakGlassOptions, BundleRequestOptions, EnrolOptions, ShimOptions } from './shim-options.ts'

/** The serial gate's commands. Each loads what it needs when it is called. */
export function addShimCommands(program: Command, { bundle = bundleGroup() } = {}): void {
  bundle.addCommand(
    shimCommand('request', 'write the request that a bundle for this gate is made from', 'bundle request')
      .requiredOption('--out <file>', 'where the request goes')
      .action(async (options: BundleRequestOptions) =>
        (await import('./bundle-request.ts')).bundleRequestCommand(options),
      ),
  )
  const clock = new Command('clock')
    .description("the gate's clock, after it was set")
    .addHelpText('after', '\nExample:\n  $ sallyport shim clock accept --help\n')
  clock.addCommand(
    shimCommand('accept', 'say that the clock is right as it stands now', 'clock accept')
      .requiredOption('--reason <text>', 'why it was set; kept in the ledger')
      .action(ask('clock accept', ({ reason }) => ({ reason }))),
  )
  addGroup(program, {
    name: 'shim',
    description: 'the serial gate: authentication in front of a serial port',
    commands: [
      shimCommand('run', 'run the gate')
        .option('--log-level <level>', 'debug, info, warn or error', 'info')
        .action(async (options: ShimOptions & { logLevel: string }) =>
          (await import('./run.ts')).runCommand(options),
        ),
      shimCommand('check', 'check a configuration file, and name every fault in it').action(
        async (options: ShimOptions) => (await import('./check.ts')).checkCommand(options),
      ),
      shimCommand('status', 'say how every port stands').action(ask('status', () => ({}))),
      shimCommand('unlock', 'lift the locks that failures set')
        .option('--port <id>', 'of this port only')
        .option('--technician <id>', 'of this technician only')
        .action(ask('unlock', ({ port, technician }) => ({ port, technician }))),
      portCommand('reset', 'let a port go back to work after an emergency stop').action(
        ask('reset', ({ port, reason }) => ({ port, reason })),
      ),
      portCommand('close', 'end the open session of a port').action(
        ask('close', ({ port, reason }) => ({ port, reason })),
      ),
      shimCommand('enrol', 'make a factor for a technician, and write it into the configuration, sealed')
        .requiredOption('--technician <id>', 'the name that is typed at the prompt')
        .option('--name <name>', 'as people call the technician')
        .option('--backup-codes', 'ten backup codes instead of an authenticator')
        .addOption(
          new Option(
            '--yubikey <file>',
            'a YubiKey: its public id, private id and key, in a file, or `-`',
          ).conflicts('backupCodes'),
        )
        .action(async (options: EnrolOptions) => (await import('./enrol.ts')).enrolCommand(options)),
      clock,
      bundle,
      shimCommand('break-glass', 'make a new emergency code for a port, or explain the use of one')
        .option('--port <id>', 'the port; needed when there are several')
        .option('--explain <session>', 'the session that was opened by an emergency code')
        .option('--reason <text>', 'why it was; kept in the ledger')
        .action(async (options: BreakGlassOptions) =>
          (await import('./break-glass.ts')).breakGlassCommand(options),
        ),
      new Command('demo')
        .description('try the gate without hardware: a virtual port, a simulated device, one technician')
        .option('--dir <dir>', 'where to keep it (default: a new directory, removed at the end)')
        .option('--json', 'say failures as JSON')
        .addHelpText('after', '\nExample:\n  $ sallyport shim demo\n')
        .action(async (options: { dir?: string }) => (await import('./demo.ts')).demoCommand(options)),
    ],
  })
}

/** On the gate's own board none is made. */
function bundleGroup(): Command {
  return new Command('bundle')
    .description('technicians from a signed bundle')
    .addHelpText('after', '\nExample:\n  $ sallyport shim bundle request --help\n')
}

type AskOptions = ShimOptions & { port?: string; technician?: string; reason?: string }

/** What the running daemon answers. */
function ask(command: string, args: (options: AskOptions) => Record<string, unknown>) {
  return async (options: AskOptions) => (await import('./ask.ts')).askCommand(command, options, args(options))
}

function portCommand(name: string, description: string): Command {
  return shimCommand(name, description)
    .requiredOption('--reason <text>', 'why; kept in the ledger')
    .option('--port <id>', 'the port; needed when several could be meant')
}

function shimCommand(name: string, description: string, words = name): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--config <file>', "the gate's configuration in YAML")
    .option('--json', 'answer in JSON')
    .configureHelp({ sortOptions: true })
    .addHelpText(
      'after',
      `\nExample:\n  $ sallyport shim ${words} --config shim.yaml${exampleOf[words] ?? ''}\n`,
    )
}

const exampleOf: Record<string, string> = {
  reset: ' --reason "case was opened for the repair of 2 May"',
  close: ' --reason "technician left"',
  enrol: ' --technician alice@example.org',
  'clock accept': ' --reason "battery replaced"',
  'bundle request': ' --out empump-12.request',
}
