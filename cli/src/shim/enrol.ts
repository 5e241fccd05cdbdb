import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import {
  canonicalAlias,
  encodeSecret,
  generateBackupCodes,
  hashBackupCodes,
  newTotpSecret,
  provisioningUri,
} from '@sallyport/core'
import { parseShimConfig, type SealedFactor, type ShimConfig, sealFactorText } from '@sallyport/gate-serial'
import { isMap, isSeq, parseDocument } from 'yaml'
import { print, style } from '../output.ts'
import { terminalQr } from '../terminal-qr.ts'
import { openShim, type ShimFoundation } from './open-shim.ts'
import { readShimConfig } from './read-config.ts'
import type { EnrolOptions } from './shim-options.ts'

interface Made {
  factor: SealedFactor
  data: Record<string, unknown>
  lines: string[]
}

/** Makes a factor, shows its secret this once, and writes it into the configuration, sealed. */
export async function enrolCommand(options: EnrolOptions): Promise<void> {
  const { config: file, technician, name, json = false } = options
  const config = readShimConfig(file)
  const foundation = await openShim(config)
  try {
    const alias = canonicalAlias(technician)
    const known = config.technicians.find(({ id }) => canonicalAlias(id) === alias)
    const id = known?.id ?? technician
    const made = await (options.backupCodes ? makeBackup(foundation) : makeTotp(config, id, foundation))
    const sealed = sealFactorText(made.factor, { vault: foundation.vault, technician: id })
    writeFactor(file, { id, name, factor: { type: made.factor.type, sealed } })
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
    await foundation.close()
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

/** Into the file as it stands, its comments with it; the old file stays whole until the new one is. */
function writeFactor(
  file: string,
  { id, name, factor }: { id: string; name: string | undefined; factor: Record<string, unknown> },
): void {
  const document = parseDocument(readFileSync(file, 'utf8'))
  const people = document.get('technicians')
  const isSame = (item: unknown) =>
    isMap(item) && canonicalAlias(String(item.get('id'))) === canonicalAlias(id)
  const at = isSeq(people) ? people.items.findIndex(isSame) : -1
  if (at < 0) {
    const person = { id, ...(name !== undefined && { name }), factors: [factor] }
    if (isSeq(people)) document.addIn(['technicians'], person)
    else document.set('technicians', document.createNode([person]))
  } else if (isSeq(document.getIn(['technicians', at, 'factors']))) {
    document.addIn(['technicians', at, 'factors'], document.createNode(factor))
  } else document.setIn(['technicians', at, 'factors'], document.createNode([factor]))
  const text = document.toString({ lineWidth: 0 })
  parseShimConfig(document.toJS(), { where: `the configuration that would be written to ${file}` })
  replaceFile(file, text)
}

function replaceFile(file: string, text: string): void {
  const next = `${file}.new`
  const { mode } = statSync(file)
  const fd = openSync(next, 'w', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  chmodSync(next, mode & 0o777)
  renameSync(next, file)
}
