import { createApplication, SallyportError } from '@sallyport/core'
import type { Command } from 'commander'
import { isDomain, isOrigin } from '../fido2.ts'
import { print } from '../output.ts'
import { addGroup, type CommonOptions, installationCommand, withSallyport } from './common.ts'

interface SetOptions extends CommonOptions {
  issuer?: string
  rpId?: string
  origin?: string[]
}

export function addApplicationCommands(program: Command): void {
  const set = installationCommand('set', 'make an application, or change what is named')
    .argument('<name>', 'the name of the application')
    .option('--issuer <name>', 'what authenticator apps and browsers show')
    .option('--rp-id <domain>', 'the domain that its security keys are registered for')
    .option('--origin <url...>', 'the pages that may ask for them, such as https://shop.example')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport application set pbx --rp-id example.org --origin https://pbx.example.org\n',
    )
    .action((name: string, options: SetOptions) => setApplication(name, options))
  addGroup(program, {
    name: 'application',
    description: 'applications that own their users',
    commands: [set],
  })
}

async function setApplication(name: string, options: SetOptions): Promise<void> {
  const { issuer, rpId, origin: origins } = options
  check(rpId === undefined || isDomain(rpId), '--rp-id: must be a domain, in small letters')
  check((origins ?? []).every(isOrigin), '--origin: must be an origin such as https://shop.example')
  check(
    issuer === undefined || (issuer.length > 0 && issuer.length <= 64),
    '--issuer: must have 1 to 64 characters',
  )
  const change = {
    ...(issuer !== undefined && { issuer }),
    ...(rpId !== undefined && { rpId }),
    ...(origins !== undefined && { origins }),
  }
  const stored = await withSallyport(
    options,
    ({ config, store, clock }) =>
      store.transaction(async (tx) => {
        const fresh = { name, issuer: config.totp.issuer, rpId: null, origins: [], actor: 'cli', ...change }
        if (await createApplication(fresh, { tx, clock })) return tx.applications.find(name)
        await tx.applications.update(name, change)
        const data = { application: name, fields: Object.keys(change) }
        tx.ledger.append({ type: 'application.changed', at: clock.now(), actor: 'cli', data })
        return tx.applications.find(name)
      }),
    { begin: true },
  )
  const data = { name, issuer: stored!.issuer, rp_id: stored!.rpId, origins: stored!.origins }
  print({
    json: options.json ?? false,
    data,
    text: () =>
      `${name}: shown as ${data.issuer}; keys for ${data.rp_id ?? 'the configured domain'} at ${data.origins.join(', ') || 'its pages'}`,
  })
}

function check(fits: boolean, message: string): void {
  if (!fits) throw new SallyportError('invalid_input', message)
}
