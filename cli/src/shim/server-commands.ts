import type { Command } from 'commander'
import { bundleMakingCommand } from './bundle-commands.ts'
import { addShimCommands } from './shim-commands.ts'

/** The serial gate's commands, and what is done for gates at the central place. */
export function addServerShimCommands(program: Command): void {
  addShimCommands(program, { bundle: bundleMakingCommand() })
}
