import { Command, CommanderError } from 'commander'
import { printError, printWrongUsage } from './output.ts'
import { version } from './version.ts'

const done = 0
const failed = 1
const wrongUsage = 2

/** What adds a command to the program, loaded when it is asked for. */
type Commands = Readonly<Record<string, () => Promise<(program: Command) => void>>>

/** The program `sallyport` with these commands; `beginWith` names those that the help puts first. */
export async function runProgram(
  commands: Commands,
  { beginWith }: { beginWith: readonly string[] },
): Promise<void> {
  const words = process.argv.slice(2)
  const json = words.includes('--json')

  // Whoever reads our output has seen enough, as in `sallyport ledger export | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(failed)
    throw error
  })

  const examples = beginWith.map((name) => `  $ sallyport ${name}\n`).join('')
  const program = new Command('sallyport')
    .description('Multi-factor authentication in front of anything with a door.')
    .version(version)
    .helpCommand(true)
    .addHelpText('after', `\nBegin with:\n${examples}`)

  for (const add of await loadCommands(commands, words)) add(program)
  for (const command of withInner(program)) {
    command.exitOverride().showHelpAfterError('(add --help for the whole of it)')
    if (json) command.configureOutput({ writeErr: () => {} })
  }
  process.exitCode = await run(program, { words, json })
}

/** The one that is asked for, without waiting for what only others need; all of them where none is. */
async function loadCommands(
  commands: Commands,
  [word = '']: readonly string[],
): Promise<((program: Command) => void)[]> {
  const asked = Object.hasOwn(commands, word) ? [commands[word]!] : Object.values(commands)
  return Promise.all(asked.map((load) => load()))
}

/** A command and all that it groups. */
function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap((one) => withInner(one as Command))]
}

async function run(
  program: Command,
  { words, json }: { words: readonly string[]; json: boolean },
): Promise<number> {
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
