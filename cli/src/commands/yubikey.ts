import { open } from 'node:fs/promises'
import {
  addValidationClient,
  importYubikeys,
  isPublicId,
  removeValidationClient,
  removeYubikey,
  SallyportError,
  type YubikeyImportFinding,
} from '@sallyport/core'
import { Command } from 'commander'
import { print, style, table } from '../output.ts'
import { addGroup, type CommonOptions, installationCommand, isoTime, withSallyport } from './common.ts'

type ImportOptions = CommonOptions & { apply?: true }
type ListOptions = CommonOptions & { after?: string }

/** A million rows may be refused: so many are shown. */
const mostShown = 1_000

export function addYubikeyCommands(program: Command): void {
  const importing = installationCommand('import', "take in the keys of a personalisation tool's log")
    .argument('<file>', 'CSV in the Yubico or the traditional format')
    .option('--apply', 'write the keys; without it the file is only checked')
    .addHelpText(
      'after',
      '\nThe file holds secrets: remove it once its keys are here.\n\nExample:\n  $ sallyport yubikey import configuration_log.csv --apply\n',
    )
    .action((file: string, options: ImportOptions) => importKeys(file, options))
  const list = installationCommand('list', 'list the keys that are validated here, without their secrets')
    .option('--after <cursor>', 'the page after this cursor')
    .addHelpText('after', '\nExample:\n  $ sallyport yubikey list --json\n')
    .action((options: ListOptions) => listKeys(options))
  const remove = installationCommand('remove', 'forget the secret of a key: nothing it types is valid then')
    .argument('<public-id>', 'the first 12 letters of what it types')
    .addHelpText('after', '\nExample:\n  $ sallyport yubikey remove cccccckdvvul\n')
    .action((publicId: string, options: CommonOptions) => removeKey(publicId, options))
  addGroup(program, {
    name: 'yubikey',
    description: 'YubiKeys validated here, and the programs that may ask',
    commands: [importing, list, remove, clientCommands()],
  })
}

function clientCommands(): Command {
  const add = installationCommand('add', 'let a program have OTPs validated here; its key is shown this once')
    .requiredOption('--name <name>', 'what the program is')
    .addHelpText('after', '\nExample:\n  $ sallyport yubikey client add --name vpn\n')
    .action((options: CommonOptions & { name: string }) => addClient(options))
  const list = installationCommand('list', 'list the programs, without their keys')
    .option('--after <cursor>', 'the page after this cursor')
    .addHelpText('after', '\nExample:\n  $ sallyport yubikey client list\n')
    .action((options: ListOptions) => listClients(options))
  const remove = installationCommand('remove', 'let a program ask no more')
    .argument('<id>', 'the id of the client')
    .addHelpText('after', '\nExample:\n  $ sallyport yubikey client remove 123456789\n')
    .action((id: string, options: CommonOptions) => removeClient(id, options))
  const group = new Command('client').description('programs that have OTPs validated here')
  for (const command of [add, list, remove]) group.addCommand(command)
  return group.addHelpText('after', '\nExample:\n  $ sallyport yubikey client add --help\n')
}

async function importKeys(path: string, options: ImportOptions): Promise<void> {
  const apply = options.apply ?? false
  const findings: YubikeyImportFinding[] = []
  const report = (finding: YubikeyImportFinding) => {
    if (findings.length < mostShown) findings.push(finding)
  }
  const summary = await withSallyport(
    options,
    async ({ store, vault, clock }) => {
      const lines = await readLines(path)
      return importYubikeys(lines, { store, vault, clock, apply, report, actor: 'cli' })
    },
    { begin: apply },
  )
  const { rows, fit, existing, refused } = summary
  if (refused > 0 || rows === 0) process.exitCode = 1
  print({
    json: options.json ?? false,
    data: {
      ...{ applied: apply, rows, imported: apply ? fit : 0, ready: apply ? 0 : fit, existing, refused },
      findings,
      findings_left_off: existing + refused - findings.length,
    },
    text: () =>
      [
        ...findings.map(({ line, kind, reason }) => `line ${line}: ${kind}: ${reason}`),
        `${rows} rows, ${fit} ${apply ? 'imported' : 'ready to be imported'}, ${existing} existing already, ${refused} refused`,
        apply
          ? `remove ${path}: it holds the secrets`
          : 'nothing was written: this was a dry run; add --apply to import',
      ].join('\n'),
  })
}

async function readLines(path: string): Promise<AsyncIterable<string>> {
  const unreadable = (error: unknown) => {
    const reason = (error as NodeJS.ErrnoException).code
    return new SallyportError('invalid_input', `${path}: cannot be read (${reason})`, { cause: error })
  }
  const file = await open(path).catch((error) => Promise.reject(unreadable(error)))
  if ((await file.stat()).isFile()) return file.readLines({ encoding: 'utf8' })
  await file.close()
  throw new SallyportError('invalid_input', `${path}: is no file`)
}

async function listKeys(options: ListOptions): Promise<void> {
  const page = await withSallyport(options, ({ store }) =>
    store.read((tx) => tx.yubikeys.list({ limit: 100, after: options.after ?? null })),
  )
  const keys = page.items.map(({ publicId, serial, importedAt }) => ({
    ...{ public_id: publicId, serial, imported_at: isoTime(importedAt) },
  }))
  const rows = keys.map((key) => [key.public_id, key.serial ?? '–', key.imported_at])
  printPage({ options, data: { keys, next: page.next }, head: ['PUBLIC ID', 'SERIAL', 'IMPORTED'], rows })
}

async function removeKey(publicId: string, options: CommonOptions): Promise<void> {
  if (!isPublicId(publicId)) {
    throw new SallyportError('invalid_input', 'a public id is 12 small letters of cbdefghijklnrtuv')
  }
  const removed = await withSallyport(options, (context) =>
    removeYubikey({ publicId, actor: 'cli' }, context),
  )
  if (!removed) throw new SallyportError('not_found', `there is no key with the public id ${publicId}`)
  const data = { public_id: publicId, removed }
  print({ json: options.json ?? false, data, text: () => `${style.green('removed')} ${publicId}` })
}

async function addClient(options: CommonOptions & { name: string }): Promise<void> {
  const { name } = options
  if (name.length === 0 || name.length > 100) {
    throw new SallyportError('invalid_input', '--name: must have 1 to 100 characters')
  }
  const add = (context: Parameters<typeof addValidationClient>[1]) =>
    addValidationClient({ name, actor: 'cli' }, context)
  const made = await withSallyport(options, add, { begin: true })
  print({
    json: options.json ?? false,
    data: made,
    text: () =>
      `${style.bold(`id ${made.id}  key ${made.key}`)}\n${style.dim('Keep the key now: it is not shown again.')}`,
  })
}

async function listClients(options: ListOptions): Promise<void> {
  const page = await withSallyport(options, ({ store }) =>
    store.read((tx) => tx.validationClients.list({ limit: 100, after: options.after ?? null })),
  )
  const clients = page.items.map(({ id, name, createdAt }) => ({ id, name, created_at: isoTime(createdAt) }))
  const rows = clients.map((client) => [client.id, client.name, client.created_at])
  printPage({ options, data: { clients, next: page.next }, head: ['ID', 'NAME', 'CREATED'], rows })
}

async function removeClient(id: string, options: CommonOptions): Promise<void> {
  const removed = await withSallyport(options, (context) =>
    removeValidationClient({ id, actor: 'cli' }, context),
  )
  if (!removed) throw new SallyportError('not_found', `there is no client with the id ${JSON.stringify(id)}`)
  print({ json: options.json ?? false, data: { id, removed }, text: () => `${style.green('removed')} ${id}` })
}

function printPage(page: {
  options: CommonOptions
  data: { next: string | null; [list: string]: unknown }
  head: string[]
  rows: string[][]
}): void {
  const { options, data, head, rows } = page
  const more = data.next === null ? '' : `\n${style.dim(`more: --after ${data.next}`)}`
  print({
    json: options.json ?? false,
    data,
    text: () => (rows.length === 0 ? 'none' : table(head, rows) + more),
  })
}
