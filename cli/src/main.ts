import { Command, CommanderError } from 'commander'
import { addApiKeyCommands } from './commands/apikey.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addImportCommands } from './commands/import.ts'
import { addKeyCommands } from './commands/key.ts'
import { addLedgerCommands } from './commands/ledger.ts'
import { addPolicyCommands } from './commands/policy.ts'
import { addServeCommand } from './commands/serve.ts'
import { addTotpCommands } from './commands/totp.ts'
import { addUserCommands } from './commands/user.ts'
import { printError, printWrongUsage } from './output.ts'
import { version } from './version.ts'

const done = 0
const failed = 1
const wrongUsage = 2

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

addServeCommand(program)
addUserCommands(program)
addImportCommands(program)
addApiKeyCommands(program)
addPolicyCommands(program)
addLedgerCommands(program)
addKeyCommands(program)
addTotpCommands(program)
addDoctorCommand(program)
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
  command.exitOverride().showHelpAfterError('(add --help for the whole of it)')
  if (json) command.configureOutput({ writeErr: () => {} })
}

process.exitCode = await run()

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
