import { readFileSync } from 'node:fs'
import {
  canonicalAlias,
  encodeSecret,
  generateBackupCodes,
  hashBackupCodes,
  newTotpSecret,
  provisioningUri,
  SallyportError,
} from '@sallyport/core'
import { parseShimConfig, type SealedFactor, type ShimConfig, sealFactorText } from '@sallyport/gate-serial'
import { isMap, isSeq, parseDocument } from 'yaml'
import { print, style } from '../output.ts'
import { readTextFile } from '../secret-file.ts'
import { terminalQr } from '../terminal-qr.ts'
import { openShim, type ShimFoundation } from './open-shim.ts'
import { readShimConfig } from './read-config.ts'
import type { EnrolOptions } from './shim-options.ts'
import { replaceFile } from './write-file.ts'

interface Made {
  factor: SealedFactor
  /** What stands beside the sealed text, in the clear. */
  shown?: Record<string, unknown>
  data: Record<string, unknown>
  lines: string[]
}

/** Makes a factor, shows its secret this once, and writes it into the configuration, sealed. */
export async function enrolCommand(options: EnrolOptions): Promise<void> {
  const { config: file, technician, name, json = false } = options
  const config = readShimConfig(file)
  // A secret is shown once: that it can be kept is known before.
  const writing = replaceFile(file)
  const foundation = await openShim(config).catch((error: unknown) => {
    writing.discard()
    throw error
  })
  try {
    const alias = canonicalAlias(technician)
    const known = config.technicians.find(({ id }) => canonicalAlias(id) === alias)
    const id = known?.id ?? technician
    const made = await makeFactor(options, { config, id, foundation })
    const sealed = sealFactorText(made.factor, { vault: foundation.vault, technician: id })
    const written = { id, name, factor: { type: made.factor.type, ...made.shown, sealed } }
    writing.write(withFactor(file, written))
    print({
      json,
      data: { technician: id, type: made.factor.type, ...made.data },
      text: () =>
        [
          ...made.lines,
          `${style.green('written')} to ${file}, sealed. Restart the gate for it to hold.`,
        ].join('\n'),
    })
  } finally {
    writing.discard()
    await foundation.close()
  }
}

function makeFactor(
  { backupCodes, yubikey }: EnrolOptions,
  { config, id, foundation }: { config: ShimConfig; id: string; foundation: ShimFoundation },
): Made | Promise<Made> {
  if (yubikey !== undefined) return sealYubikey(yubikey)
  return backupCodes ? makeBackup(foundation) : makeTotp(config, id, foundation)
}

/** As `ykpersonalize` and YubiKey Manager name them: public id, private id, key; from a file, or `-`. */
function sealYubikey(file: string): Made {
  const text = readTextFile('--yubikey', file === '-' ? '/dev/stdin' : file).trim()
  const [, id, privateId, key] =
    /^([cbdefghijklnrtuv]{12})[\s,]+([0-9a-f]{12})[\s,]+([0-9a-f]{32})$/i.exec(text) ?? []
  if (id === undefined || privateId === undefined || key === undefined) {
    const message =
      '--yubikey: the file must hold the public id (12 letters), the private id (12 hexadecimal digits) and the key (32), as they were programmed into the YubiKey'
    throw new SallyportError('invalid_input', message)
  }
  const factor = { type: 'yubikey', id, private_id: privateId.toLowerCase(), key: key.toLowerCase() } as const
  return {
    factor,
    shown: { id },
    data: { id },
    lines: [
      `${style.bold('YubiKey')} ${id}: its secret is sealed; remove ${file === '-' ? 'every copy of it' : file}`,
    ],
  }
}

async function makeTotp(config: ShimConfig, account: string, { random }: ShimFoundation): Promise<Made> {
  const { algorithm, period, digits, issuer } = config.totp
  const secret = newTotpSecret(random)
  const base32 = encodeSecret(secret)
  const uri = provisioningUri({ secret, issuer, account, algorithm, period, digits })
  return {
    factor: { type: 'totp', secret: base32, algorithm, period, digits },
    data: { secret: base32, provisioning_uri: uri },
    lines: [terminalQr(uri), `${style.bold('secret')}  ${base32}`, `${style.bold('uri')}     ${uri}`],
  }
}

async function makeBackup({ random }: ShimFoundation): Promise<Made> {
  const codes = generateBackupCodes({ random })
  const { secret, settings } = await hashBackupCodes(codes, { random, format: 'short' })
  return {
    factor: { type: 'backup', hashes: Buffer.from(secret).toString('base64url'), settings },
    data: { codes },
    lines: [style.bold('Backup codes, each good once:'), ...codes.map((code) => `  ${code}`)],
  }
}

/** The file as it stands, its comments with it, and the factor in it. */
function withFactor(
  file: string,
  { id, name, factor }: { id: string; name: string | undefined; factor: Record<string, unknown> },
): string {
  const document = parseDocument(readFileSync(file, 'utf8'))
  const people = document.get('technicians')
  const isSame = (item: unknown) =>
    isMap(item) && canonicalAlias(String(item.get('id'))) === canonicalAlias(id)
  const at = isSeq(people) ? people.items.findIndex(isSame) : -1
  if (at < 0) {
    const person = { id, ...(name !== undefined && { name }), factors: [factor] }
    if (isSeq(people)) document.addIn(['technicians'], person)
    else document.set('technicians', document.createNode([person]))
    return checked()
  }
  if (name !== undefined) document.setIn(['technicians', at, 'name'], name)
  if (isSeq(document.getIn(['technicians', at, 'factors']))) {
    document.addIn(['technicians', at, 'factors'], document.createNode(factor))
  } else document.setIn(['technicians', at, 'factors'], document.createNode([factor]))
  return checked()

  function checked(): string {
    parseShimConfig(document.toJS(), { where: `the configuration that would be written to ${file}` })
    return document.toString({ lineWidth: 0 })
  }
}
