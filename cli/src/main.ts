import { Command, CommanderError } from 'commander'
import { printError, printWrongUsage } from './output.ts'
import { version } from './version.ts'

const done = 0
const failed = 1
const wrongUsage = 2

/** In the order in which the help lists them. */
const commands = {
  serve: async () => (await import('./commands/serve.ts')).addServeCommand,
  user: async () => (await import('./commands/user.ts')).addUserCommands,
  import: async () => (await import('./commands/import.ts')).addImportCommands,
  apikey: async () => (await import('./commands/apikey.ts')).addApiKeyCommands,
  application: async () => (await import('./commands/application.ts')).addApplicationCommands,
  policy: async () => (await import('./commands/policy.ts')).addPolicyCommands,
  ledger: async () => (await import('./commands/ledger.ts')).addLedgerCommands,
  key: async () => (await import('./commands/key.ts')).addKeyCommands,
  siem: async () => (await import('./commands/siem.ts')).addSiemCommands,
  recording: async () => (await import('./commands/recording.ts')).addRecordingCommands,
  totp: async () => (await import('./commands/totp.ts')).addTotpCommands,
  yubikey: async () => (await import('./commands/yubikey.ts')).addYubikeyCommands,
  block: async () => (await import('./commands/block.ts')).addBlockCommand,
  unblock: async () => (await import('./commands/block.ts')).addUnblockCommand,
  blocked: async () => (await import('./commands/block.ts')).addBlockedCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
}

const words = process.argv.slice(2)
const json = words.includes('--json')

// Whoever reads our output has seen enough, as in `sallyport ledger export | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(failed)
  throw error
})

const program = new Command('sallyport')
  .description('Multi-factor authentication in front of anything with a door.')
  .version(version)
  .helpCommand(true)
  .addHelpText('after', '\nBegin with:\n  $ sallyport serve\n  $ sallyport doctor\n')

for (const add of await loadCommands()) add(program)
for (const command of withInner(program)) {
  command.exitOverride().showHelpAfterError('(add --help for the whole of it)')
  if (json) command.configureOutput({ writeErr: () => {} })
}

process.exitCode = await run()

/** The one that is asked for, without waiting for what only others need; all of them where none is. */
async function loadCommands(): Promise<((program: Command) => void)[]> {
  const [word = ''] = words
  const asked = Object.hasOwn(commands, word) ? [commands[word as keyof typeof commands]] : null
  return Promise.all((asked ?? Object.values(commands)).map((load) => load()))
}

/** A command and all that it groups. */
function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap((one) => withInner(one as Command))]
}

async function run(): Promise<number> {
  if (words.length === 0) {
    program.outputHelp()
    return done
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return process.exitCode === undefined ? done : Number(process.exitCode)
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      printError(error, json)
      return failed
    }
    if (error.exitCode === 0) return done
    if (json) printWrongUsage(error)
    return wrongUsage
  }
}
