import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import {
  decodeSecret,
  type IssuedTechnician,
  issueBundle,
  provisioningUri,
  qrTerminal,
  SallyportError,
} from '@sallyport/core'
import {
  type BundledTechnician,
  type BundleRequest,
  type ListedTechnician,
  parseBundleRequest,
  parseX25519,
  requestFingerprint,
  sealBundle,
} from '@sallyport/gate-serial'
import { type CommonOptions, withSallyport } from '../commands/common.ts'
import { readDuration } from '../config.ts'
import { print, style, table } from '../output.ts'
import { type PeopleOptions, peopleOf } from './bundle-people.ts'
import { replaceFile } from './write-file.ts'

const minute = 60_000
const day = 24 * 60 * minute
const longestLife = 366 * day
/** A gate's clock may be so far behind. */
const clockSkew = 5 * minute

export interface BundleOptions extends CommonOptions, PeopleOptions {
  for: string
  signKey: string
  out: string
  expires: string
  renew: readonly string[]
  backupCodesFor: readonly string[]
  qrFor: readonly string[]
  replaceDevice?: true
}

interface Shown {
  id: string
  new: boolean
  secret?: string
  provisioning_uri?: string
  backup_codes?: readonly string[]
}

/** Makes the next bundle of one gate, and shows the secrets that technicians do not have yet. */
export async function bundleCommand(options: BundleOptions): Promise<void> {
  const request = readRequest(options.for)
  const signingKey = readSigningKey(options.signKey)
  const life = readDuration(options.expires)
  if (life === null || life < minute || life > longestLife)
    throw new SallyportError('invalid_input', '--expires: must be a duration from 1m to 366d, such as 30d')
  // A place that makes bundles need be no server. A directory that nobody named is begun by mistake only: every
  // technician would get another secret.
  const begin = options.from !== undefined && (options.data ?? options.config) !== undefined
  const out = replaceFile(options.out)
  try {
    const made = await withSallyport(
      options,
      async (sallyport) => {
        const { store, clock, random } = sallyport
        const people = await peopleOf(options, store)
        const device = { id: request.device, publicKey: request.public_key }
        const expires = clock.now() + life
        const issued = await issueBundle(
          {
            ...{ device, totp: request.totp, technicians: people.map(({ id }) => id), expires, actor: 'cli' },
            ...{ renew: options.renew, backupCodesFor: options.backupCodesFor, show: options.qrFor },
            yubikeys: people.flatMap(({ yubikeys }) => yubikeys.map(({ id }) => id)),
            replaceDevice: options.replaceDevice ?? false,
          },
          sallyport,
        )
        const { serial, issuedAt } = issued
        const times = { issued_at: issuedAt, not_before: issuedAt - clockSkew, expires }
        out.write(
          sealBundle({
            ...{ header: { device: device.id, serial, ...times }, signingKey, random },
            technicians: issued.technicians.map((one, at) => bundled(one, people[at]!)),
            recipient: parseX25519(device.publicKey)!,
          }),
        )
        return { ...issued, expires }
      },
      { begin },
    )
    show(made, request, options)
  } finally {
    out.discard()
  }
}

/** In the order in which they were asked for. */
function bundled({ id, factors }: IssuedTechnician, { name, yubikeys }: ListedTechnician): BundledTechnician {
  return {
    id,
    ...(name !== undefined && { name }),
    factors: [...(factors as BundledTechnician['factors']), ...yubikeys],
  }
}

function readRequest(file: string): BundleRequest {
  const request = parseBundleRequest(readText('--for', file))
  if (request) return request
  throw new SallyportError(
    'invalid_input',
    `--for: ${file} is no request of \`sallyport shim bundle request\``,
  )
}

function readSigningKey(file: string): KeyObject {
  const pem = readText('--sign-key', file)
  if (statSync(file).mode & 0o077)
    throw new SallyportError(
      'invalid_input',
      `--sign-key: others could read ${file}; run \`chmod 600 ${file}\``,
    )
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below, for both.
  }
  throw new SallyportError(
    'invalid_input',
    `--sign-key: ${file} is no Ed25519 private key; make one with \`sallyport shim bundle keygen\``,
  )
}

function readText(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new SallyportError('invalid_input', `${option}: ${file} cannot be read (${code})`, { cause })
  }
}

function shownOf(one: IssuedTechnician, { device, totp }: BundleRequest): Shown {
  const { id, isNew, shown, backupCodes } = one
  const factor = one.factors.find((each) => each.type === 'totp')!
  const { secret, algorithm, period, digits } = factor
  const settings = { algorithm, period, digits } as Omit<BundleRequest['totp'], 'issuer'>
  // The app lists one account a gate.
  const named = { issuer: totp.issuer, account: `${id} (${device})` }
  const uri = provisioningUri({ secret: decodeSecret(secret), ...named, ...settings })
  return {
    ...{ id, new: isNew },
    ...(shown && { secret, provisioning_uri: uri }),
    ...(backupCodes.length > 0 && { backup_codes: backupCodes }),
  }
}

function show(
  made: { serial: number; issuedAt: number; expires: number; technicians: IssuedTechnician[] },
  request: BundleRequest,
  options: BundleOptions,
): void {
  const { device } = request
  const technicians = made.technicians.map((one) => shownOf(one, request))
  const fingerprint = requestFingerprint(request)
  const iso = (at: number) => new Date(at).toISOString()
  const times = { issued: iso(made.issuedAt), expires: iso(made.expires) }
  print({
    json: options.json ?? false,
    data: { device, fingerprint, serial: made.serial, ...times, file: options.out, technicians },
    text: () =>
      [
        ...technicians.flatMap(secretLines),
        table(
          ['TECHNICIAN', 'AUTHENTICATOR'],
          technicians.map((one) => [one.id, one.new ? 'new: scan the code above' : 'as before']),
        ),
        '',
        `${style.green('wrote')} ${options.out} for device ${device}, serial ${made.serial}, good until ${times.expires}`,
        `fingerprint of the request  ${style.bold(fingerprint)}`,
        'If it is not what the gate showed, do not hand the bundle out.',
      ].join('\n'),
  })
}

function secretLines({ id, secret, provisioning_uri: uri, backup_codes: codes }: Shown): string[] {
  return [
    ...(uri === undefined ? [] : [style.bold(id), qrTerminal(uri), `secret  ${secret}`, '']),
    ...(codes === undefined
      ? []
      : [style.bold(`Backup codes of ${id}, each good once:`), ...codes.map((code) => `  ${code}`), '']),
  ]
}
