import {
  type ApiKeyScope,
  apiKeyScopes,
  checkApplicationName,
  createApiKey,
  revokeApiKey,
  SallyportError,
} from '@sallyport/core'
import type { Command } from 'commander'
import { print, style, table } from '../output.ts'
import type { Sallyport } from '../sallyport.ts'
import { addGroup, type CommonOptions, installationCommand, isoTime, withSallyport } from './common.ts'

interface CreateOptions extends CommonOptions {
  name: string
  app: string
  scope: string
}

export function addApiKeyCommands(program: Command): void {
  const create = installationCommand('create', 'make a key for an application; it is shown this once')
    .requiredOption('--name <name>', 'what the key is for')
    .requiredOption('--scope <list>', `comma-separated: ${apiKeyScopes.join(', ')}`)
    .option('--app <name>', 'the application the key belongs to', 'default')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport apikey create --name pbx --app pbx --scope mfa:read,mfa:write\n',
    )
    .action((options: CreateOptions) => createKey(options))
  const list = installationCommand('list', 'list the keys, without the keys themselves')
    .option('--after <cursor>', 'the page after this cursor')
    .addHelpText('after', '\nExample:\n  $ sallyport apikey list --json\n')
    .action((options: CommonOptions & { after?: string }) => listApiKeys(options))
  const revoke = installationCommand('revoke', 'end a key for good')
    .argument('<id>', 'the id of the key')
    .addHelpText('after', '\nExample:\n  $ sallyport apikey revoke 7QbTq0ZkR2-3wN1rF9c8Lg\n')
    .action((id: string, options: CommonOptions) => revokeKey(id, options))
  addGroup(program, {
    name: 'apikey',
    description: "applications' keys to the service API",
    commands: [create, list, revoke],
  })
}

async function createKey(options: CreateOptions): Promise<void> {
  const { name, app: application } = options
  const scopes = readScopes(options.scope)
  if (name.length === 0 || name.length > 100) {
    throw new SallyportError('invalid_input', '--name: must have 1 to 100 characters')
  }
  const make = async ({ config, store, clock, random }: Sallyport) => {
    const wanted = { application, name, scopes, issuer: config.totp.issuer, actor: 'cli' }
    const { key, record } = await store.transaction((tx) => createApiKey(wanted, { tx, clock, random }))
    return { id: record.id, name, app: application, scopes: record.scopes, key }
  }
  checkApplicationName(application)
  const made = await withSallyport(options, make, { begin: true })
  print({
    json: options.json ?? false,
    data: made,
    text: () =>
      `${style.bold(made.key)}\n${style.dim('Keep it now: it is not shown again.')} Key ${made.id} of ${made.app}, for ${made.scopes.join(', ')}`,
  })
}

function readScopes(list: string): ApiKeyScope[] {
  const wanted = list.split(',').map((scope) => scope.trim())
  const isScope = (text: string): text is ApiKeyScope => (apiKeyScopes as readonly string[]).includes(text)
  const unknown = wanted.filter((scope) => !isScope(scope))
  if (unknown.length > 0) {
    throw new SallyportError(
      'invalid_input',
      `--scope: ${unknown.map((scope) => JSON.stringify(scope)).join(', ')} is none of ${apiKeyScopes.join(', ')}`,
    )
  }
  return wanted.filter(isScope)
}

async function listApiKeys(options: CommonOptions & { after?: string }): Promise<void> {
  const page = await withSallyport(options, ({ store }) =>
    store.read((tx) => tx.apiKeys.list({ limit: 100, after: options.after ?? null })),
  )
  const keys = page.items.map((key) => ({
    id: key.id,
    name: key.name,
    app: key.application,
    scopes: key.scopes,
    created_at: isoTime(key.createdAt),
    revoked_at: key.revokedAt === null ? null : isoTime(key.revokedAt),
  }))
  print({
    json: options.json ?? false,
    data: { keys, next: page.next },
    text: () => {
      if (keys.length === 0) return 'no keys'
      const rows = keys.map((key) => [
        key.id,
        key.name,
        key.app,
        key.scopes.join(','),
        key.created_at,
        key.revoked_at ?? 'in force',
      ])
      const more = page.next === null ? '' : `\n${style.dim(`more: --after ${page.next}`)}`
      return table(['ID', 'NAME', 'APPLICATION', 'SCOPES', 'CREATED', 'REVOKED'], rows) + more
    },
  })
}

async function revokeKey(id: string, options: CommonOptions): Promise<void> {
  const revoked = await withSallyport(options, ({ store, clock }) =>
    store.transaction((tx) => revokeApiKey({ id, actor: 'cli' }, { tx, clock })),
  )
  if (!revoked)
    throw new SallyportError('not_found', `there is no key in force with the id ${JSON.stringify(id)}`)
  print({ json: options.json ?? false, data: { id, revoked }, text: () => `${style.green('revoked')} ${id}` })
}
