import { Command, CommanderError } from 'commander'
import { addApiKeyCommands } from './commands/apikey.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addKeyCommands } from './commands/key.ts'
import { addLedgerCommands } from './commands/ledger.ts'
import { addPolicyCommands } from './commands/policy.ts'
import { addServeCommand } from './commands/serve.ts'
import { addTotpCommands } from './commands/totp.ts'
import { addUserCommands } from './commands/user.ts'
import { printError } from './output.ts'
import { version } from './version.ts'

const done = 0
const failed = 1
const wrongUsage = 2

const program = new Command('sallyport')
  .description('Multi-factor authentication in front of anything with a door.')
  .version(version)
  .showHelpAfterError('(add --help for the whole of it)')
  .helpCommand(true)
  .exitOverride()
  .addHelpText('after', '\nBegin with:\n  $ sallyport serve\n  $ sallyport doctor\n')

addServeCommand(program)
addUserCommands(program)
addApiKeyCommands(program)
addPolicyCommands(program)
addLedgerCommands(program)
addKeyCommands(program)
addTotpCommands(program)
addDoctorCommand(program)

process.exitCode = await run(process.argv.slice(2))

async function run(words: string[]): Promise<number> {
  if (words.length === 0) {
    program.outputHelp()
    return done
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return process.exitCode === undefined ? done : Number(process.exitCode)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? done : wrongUsage
    printError(error, words.includes('--json'))
    return failed
  }
}
