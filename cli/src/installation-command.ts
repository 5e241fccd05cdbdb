import { Command } from 'commander'

export interface CommonOptions {
  config?: string
  data?: string
  json?: boolean
}

/** A command that works on an installation: they all find it by the same options. */
export function installationCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--config <file>', 'configuration in YAML')
    .option('--data <dir>', 'data directory (default: ./data)')
    .option('--json', 'answer in JSON')
    .configureHelp({ sortOptions: true })
}
