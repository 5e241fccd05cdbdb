import { enableCompileCache } from 'node:module'
import { runProgram } from './run-program.ts'

/** The program of the serial gate alone, as it is packed for a small board: no server, no pages. */
const commands = {
  shim: async () => (await import('./shim/shim-commands.ts')).addShimCommands,
  recording: async () => (await import('./commands/recording.ts')).addRecordingCommands,
}

enableCompileCache()
await runProgram(commands, { beginWith: ['shim demo', 'shim check --help'] })
