import type { Command } from 'commander'

/** Adds a group such as `user`, which only says what it holds when it is called alone. */
export function addGroup(
  program: Command,
  group: { name: string; description: string; commands: Command[] },
): void {
  // What stands behind a command's name is that command's own, in groups within groups too.
  program.enablePositionalOptions()
  const parent = program.command(group.name).description(group.description).enablePositionalOptions()
  parent.addHelpText('after', `\nExample:\n  $ sallyport ${group.name} ${group.commands[0]!.name()} --help\n`)
  for (const command of group.commands) parent.addCommand(command)
}
