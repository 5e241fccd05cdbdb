import { enableCompileCache } from 'node:module'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

/** The program of the serial gate alone, as it is packed for a small board: no server, no pages. */
const commands = {
  shim: async () => (await import('./shim/shim-commands.ts')).addShimCommands,
  ledger: async () => (await import('./shim/gate-ledger-commands.ts')).addGateLedgerCommands,
  recording: async () => (await import('./commands/recording.ts')).addRecordingCommands,
}

// Young objects get one megabyte, not sixteen: on a small board memory is scarcer than the time of a collection.
setFlagsFromString('--semi-space-growth-factor=1')
keepCompiled()
// All whose compiled code is to be kept is imported only now.
const { runProgram } = await import('./run-program.ts')
await runProgram(commands, { beginWith: ['shim demo', 'shim check --help'] })

/** What is loaded from there runs: so not in /tmp, nor where HOME points under sudo, but where nobody else writes. */
function keepCompiled(): void {
  try {
    enableCompileCache(join(userInfo().homedir, '.cache', 'sallyport'))
  } catch {
    // A user whom the system does not know has no home, and starts a little later.
  }
}
