import { Command } from 'commander'
import { installationCommand } from '../commands/common.ts'
import type { BundleOptions } from './bundle-make.ts'

const more = (value: string, before: readonly string[]) => [...before, value]

/** `shim bundle` where bundles are made: beside a server, never on the gate's own board. */
export function bundleMakingCommand(): Command {
  const keygen = new Command('keygen')
    .description('make the key pair that bundles are signed with')
    .requiredOption('--out <file>', 'where the private key goes; keep it off every gate')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nThe line it prints is `technicians[].directory.public_key` of the gates.\n\nExample:\n  $ sallyport shim bundle keygen --out bundle.key\n',
    )
    .action(async (options: { out: string; json?: boolean }) =>
      (await import('./bundle-keygen.ts')).bundleKeygenCommand(options),
    )
  const command = installationCommand('bundle', 'make the signed, expiring file of technicians for one gate')
    .option('--for <file>', "needed: the gate's request, from `shim bundle request`")
    .option('--sign-key <file>', 'needed: the private key, from `shim bundle keygen`')
    .option('--out <file>', 'needed: where the bundle goes')
    .option('--expires <duration>', 'how long it holds', '30d')
    .option('--from <file>', 'technicians from a file, as `technicians:` of shim.yaml lists them')
    .option('--role <role>', 'all users of the server who have this role')
    .option('--user <name>', 'one user of the server; may be given again', more, [])
    .option('--renew <id>', 'a new authenticator for this technician; may be given again', more, [])
    .option(
      '--backup-codes-for <id>',
      'ten new backup codes for this technician; may be given again',
      more,
      [],
    )
    .option('--qr-for <id>', 'show the secret of this technician again; may be given again', more, [])
    .option('--replace-device', 'another board took the place of the one that was known')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport shim bundle --for empump-12.request --sign-key bundle.key --role technician --out empump-12.bundle\n',
    )
    .action(async (options: BundleOptions) => {
      // Not by the parser, which would ask for them behind `keygen` and `request` as well.
      const given = { for: options.for, 'sign-key': options.signKey, out: options.out }
      const missing = Object.entries(given).find(([, value]) => value === undefined)?.[0]
      if (missing) command.error(`error: required option '--${missing} <file>' not specified`)
      await (await import('./bundle-make.ts')).bundleCommand(options)
    })
  // What stands behind `keygen` or `request` is theirs.
  command.enablePositionalOptions()
  command.addCommand(keygen)
  return command
}
