import { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { warn } from '../output.ts'
import { openSallyport, type Sallyport } from '../sallyport.ts'

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

export function configOf(
  options: CommonOptions,
  flags: Record<string, string | number | undefined> = {},
): Config {
  return loadConfig({
    file: options.config,
    environment: process.env,
    flags: { data: options.data, ...flags },
  })
}

/** Opens the installation for the length of `work`; the same data may be served meanwhile. */
export async function withSallyport<T>(
  options: CommonOptions,
  work: (sallyport: Sallyport) => Promise<T>,
): Promise<T> {
  const sallyport = await openSallyport(configOf(options))
  for (const notice of sallyport.notices) warn(notice)
  try {
    return await work(sallyport)
  } finally {
    await sallyport.close()
  }
}

/** Adds a group such as `user`, which only says what it holds when it is called alone. */
export function addGroup(
  program: Command,
  group: { name: string; description: string; commands: Command[] },
): void {
  const parent = program.command(group.name).description(group.description)
  for (const command of group.commands) parent.addCommand(command.exitOverride())
}

/** Standard input as text, without the line feed that `echo` adds. */
export async function readStdin(limit = 4096): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length
    if (size > limit) break
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

export function isoTime(at: number | null): string {
  return at === null ? '–' : new Date(at).toISOString()
}
