import { createHash } from 'node:crypto'
import { type ApiKey, randomId, SallyportError } from '@sallyport/core'
import type { Command } from 'commander'
import { print, style, table } from '../output.ts'
import type { Sallyport } from '../sallyport.ts'
import { addGroup, type CommonOptions, installationCommand, isoTime, withSallyport } from './common.ts'

const scopes = ['mfa:read', 'mfa:write', 'security:read', 'security:write', 'admin'] as const

interface CreateOptions extends CommonOptions {
  name: string
  app: string
  scope: string
}

export function addApiKeyCommands(program: Command): void {
  const create = installationCommand('create', 'make a key for an application; it is shown this once')
    .requiredOption('--name <name>', 'what the key is for')
    .requiredOption('--scope <list>', `comma-separated: ${scopes.join(', ')}`)
    .option('--app <name>', 'the application the key belongs to', 'default')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport apikey create --name pbx --app pbx --scope mfa:read,mfa:write\n',
    )
    .action((options: CreateOptions) => createApiKey(options))
  const list = installationCommand('list', 'list the keys, without the keys themselves')
    .option('--after <cursor>', 'the page after this cursor')
    .addHelpText('after', '\nExample:\n  $ sallyport apikey list --json\n')
    .action((options: CommonOptions & { after?: string }) => listApiKeys(options))
  const revoke = installationCommand('revoke', 'end a key for good')
    .argument('<id>', 'the id of the key')
    .addHelpText('after', '\nExample:\n  $ sallyport apikey revoke 7QbTq0ZkR2-3wN1rF9c8Lg\n')
    .action((id: string, options: CommonOptions) => revokeApiKey(id, options))
  addGroup(program, {
    name: 'apikey',
    description: "applications' keys to the service API",
    commands: [create, list, revoke],
  })
}

async function createApiKey(options: CreateOptions): Promise<void> {
  const wanted = [...new Set(options.scope.split(',').map((scope) => scope.trim()))]
  const unknown = wanted.filter((scope) => !(scopes as readonly string[]).includes(scope))
  if (unknown.length > 0) {
    throw new SallyportError(
      'invalid_input',
      `--scope: ${unknown.map((scope) => JSON.stringify(scope)).join(', ')} is none of ${scopes.join(', ')}`,
    )
  }
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(options.app)) {
    throw new SallyportError(
      'invalid_input',
      `--app: ${JSON.stringify(options.app)} is no name of an application (small letters, digits, _ and -)`,
    )
  }
  if (options.name.length === 0 || options.name.length > 100) {
    throw new SallyportError('invalid_input', '--name: must have 1 to 100 characters')
  }
  const make = async ({ config, store, clock, random }: Sallyport) => {
    const key = `spk_${Buffer.from(random.bytes(32)).toString('base64url')}`
    const now = clock.now()
    const record: ApiKey = {
      id: randomId(random),
      application: options.app,
      name: options.name,
      hash: createHash('sha256').update(key).digest('hex'),
      scopes: wanted,
      createdAt: now,
      revokedAt: null,
      lastUsedAt: null,
    }
    await store.transaction(async (tx) => {
      await tx.applications.insert({
        name: options.app,
        issuer: config.totp.issuer,
        rpId: null,
        origins: [],
        createdAt: now,
      })
      await tx.apiKeys.insert(record)
      tx.ledger.append({
        type: 'apikey.created',
        at: now,
        actor: 'cli',
        data: { key: record.id, application: options.app, scopes: wanted },
      })
    })
    return { id: record.id, name: record.name, app: record.application, scopes: wanted, key }
  }
  const made = await withSallyport(options, make, { begin: true })
  print({
    json: options.json ?? false,
    data: made,
    text: () =>
      `${style.bold(made.key)}\n${style.dim('Keep it now: it is not shown again.')} Key ${made.id} of ${made.app}, for ${made.scopes.join(', ')}`,
  })
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

async function revokeApiKey(id: string, options: CommonOptions): Promise<void> {
  const revoked = await withSallyport(options, ({ store, clock }) =>
    store.transaction(async (tx) => {
      const now = clock.now()
      const done = await tx.apiKeys.revoke(id, now)
      if (done) tx.ledger.append({ type: 'apikey.revoked', at: now, actor: 'cli', data: { key: id } })
      return done
    }),
  )
  if (!revoked)
    throw new SallyportError('not_found', `there is no key in force with the id ${JSON.stringify(id)}`)
  print({ json: options.json ?? false, data: { id, revoked }, text: () => `${style.green('revoked')} ${id}` })
}
