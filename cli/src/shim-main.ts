import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

/** The program of the serial gate alone, as it is packed for a small board: no server, no pages. */
const commands = {
  shim: async () => (await import('./shim/shim-commands.ts')).addShimCommands,
  recording: async () => (await import('./commands/recording.ts')).addRecordingCommands,
}

// Young objects get one megabyte, not sixteen: on a small board memory is scarcer than the time of a collection.
setFlagsFromString('--semi-space-growth-factor=1')
// Where nobody else writes: what is loaded from there runs. All that is to be kept is imported after this.
enableCompileCache(join(homedir(), '.cache', 'sallyport'))
const { runProgram } = await import('./run-program.ts')
await runProgram(commands, { beginWith: ['shim demo', 'shim check --help'] })
