import type { KeyObject } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  checkpointText,
  createLedgerReader,
  exportLedger,
  type LedgerCheckpoint,
  type LedgerVerification,
  loadLedgerPublicKey,
  parseCheckpoint,
  SallyportError,
  type Store,
  verifyLedger,
  verifyStoredLedger,
} from '@sallyport/core'
import { ledgerVerdict } from '@sallyport/protocol'
import type { Command } from 'commander'
import { addGroup } from '../add-group.ts'
import { type CommonOptions, installationCommand } from '../installation-command.ts'
import { print, style } from '../output.ts'

interface VerifyOptions extends CommonOptions {
  checkpoint?: string[]
  publicKey?: string
}

/** What a ledger is read with: nothing here writes. */
export interface LedgerSource {
  store: Pick<Store, 'read'>
  ledger: { id: string; publicKey: KeyObject; publicKeyPem: string }
}

/** Opens the ledger of the installation that the options name, for the length of `work`. */
export type WithLedger = <T>(options: CommonOptions, work: (source: LedgerSource) => Promise<T>) => Promise<T>

export function addLedgerCommands(program: Command, withLedger: WithLedger): void {
  const verify = installationCommand('verify', 'prove that nothing in the ledger was altered')
    .argument('[export]', 'a file that `ledger export` wrote; no database is needed then')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: the ledger must reach them')
    .option('--public-key <file>', "the ledger's public key, from a place you trust")
    .addHelpText(
      'after',
      '\nExit code 0: clean. 1: altered, or its end is missing.\n\nExample:\n  $ sallyport ledger verify ledger.jsonl --public-key ledger.pub --checkpoint kept.json\n',
    )
    .action((file: string | undefined, options: VerifyOptions) => verifyCommand(file, options, withLedger))
  const exporting = installationCommand(
    'export',
    'write the ledger as JSON Lines, for `ledger verify` anywhere',
  )
    .option('--out <file>', 'where to (default: standard output)')
    .addHelpText('after', '\nExample:\n  $ sallyport ledger export --out ledger.jsonl\n')
    .action((options: CommonOptions & { out?: string }) => exportCommand(options, withLedger))
  const checkpoint = installationCommand(
    'checkpoint',
    'print the signed state of the ledger, to be kept elsewhere',
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport ledger checkpoint > /mnt/elsewhere/sallyport.checkpoint\n',
    )
    .action((options: CommonOptions) => checkpointCommand(options, withLedger))
  addGroup(program, {
    name: 'ledger',
    description: 'verify and export the record of what happened',
    commands: [verify, exporting, checkpoint],
  })
}

/** What `sallyport ledger verify` does. */
export async function verifyCommand(
  file: string | undefined,
  options: VerifyOptions,
  withLedger: WithLedger,
): Promise<void> {
  const checkpoints = (options.checkpoint ?? []).flatMap(readCheckpoints)
  const publicKey = options.publicKey === undefined ? null : readPublicKey(options.publicKey)
  const given = { ...(publicKey && { publicKey }), checkpoints }
  const result =
    file === undefined
      ? await withLedger(options, (source) => verifyStored(source, given))
      : await naming(file, 'read', verifyLedger(createReadStream(file), given))
  if (result.status !== 'clean') process.exitCode = 1
  print({ json: options.json ?? false, data: ledgerVerdict(result), text: () => formatResult(result) })
}

function verifyStored(
  { store, ledger }: LedgerSource,
  given: Parameters<typeof verifyLedger>[1],
): Promise<LedgerVerification> {
  return verifyStoredLedger({
    publicKey: ledger.publicKey,
    ...given,
    ledger: createLedgerReader(store),
    ledgerId: ledger.id,
  })
}

async function exportCommand(
  options: CommonOptions & { out?: string },
  withLedger: WithLedger,
): Promise<void> {
  await withLedger(options, async ({ store, ledger }) => {
    const lines = exportLedger({
      ledger: createLedgerReader(store),
      ledgerId: ledger.id,
      publicKeyPem: ledger.publicKeyPem,
    })
    const target =
      options.out === undefined ? process.stdout : createWriteStream(options.out, { mode: 0o600 })
    const written = pipeline(Readable.from(lines), target, { end: options.out !== undefined })
    await (options.out === undefined ? written : naming(options.out, 'written', written))
  })
  const { out } = options
  if (out !== undefined) {
    print({ json: options.json ?? false, data: { out }, text: () => `${style.green('wrote')} ${out}` })
  }
}

async function checkpointCommand(options: CommonOptions, withLedger: WithLedger): Promise<void> {
  const head = await withLedger(options, ({ store }) => store.read((tx) => tx.ledger.head()))
  if (!head) throw new SallyportError('not_found', 'the ledger is empty: there is nothing to keep yet')
  process.stdout.write(`${checkpointText(head)}\n`)
}

function readCheckpoints(file: string): LedgerCheckpoint[] {
  const lines = readText(file)
    .split('\n')
    .filter((line) => line.trim() !== '')
  if (lines.length === 0) throw new SallyportError('invalid_input', `${file}: holds no checkpoint`)
  return lines.map((line, index) => {
    try {
      return parseCheckpoint(line)
    } catch (cause) {
      throw new SallyportError('invalid_input', `${file}:${index + 1}: is no ledger checkpoint`, { cause })
    }
  })
}

function readPublicKey(file: string): KeyObject {
  const pem = readText(file)
  try {
    return loadLedgerPublicKey(pem)
  } catch (cause) {
    throw new SallyportError('invalid_input', `${file}: is no Ed25519 public key`, { cause })
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, 'read', error)
  }
}

/** The file is named when it was the file that failed. */
async function naming<T>(file: string, deed: 'read' | 'written', work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SallyportError ? error : unusable(file, deed, error)
  }
}

function unusable(file: string, deed: 'read' | 'written', cause: unknown): SallyportError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new SallyportError('invalid_input', `${file}: cannot be ${deed} (${code ?? message})`, { cause })
}

function formatResult(result: LedgerVerification): string {
  const { status, entries, firstSeq, lastSeq, firstBad, keyFrom, signedThrough } = result
  const range = firstSeq === null ? '' : `, ${firstSeq} to ${lastSeq}`
  const trust =
    keyFrom === 'given'
      ? []
      : [
          style.yellow(
            'The public key was taken from the export itself: give --public-key to rule out a forged one.',
          ),
        ]
  if (status === 'clean')
    return [`${style.green('clean')}: ${entries} entries${range}, signed to the end`, ...trust].join('\n')
  if (status === 'incomplete' && entries === 0) {
    return [`${style.yellow('incomplete')}: there is no entry, and so no signed end`, ...trust].join('\n')
  }
  if (status === 'incomplete') {
    return [
      `${style.yellow('incomplete')}: ${entries} entries${range} are as they were recorded, but the end is missing; signed through ${signedThrough}`,
      ...trust,
    ].join('\n')
  }
  return [
    `${style.red('tampered')}: entry ${firstBad?.seq ?? '?'}${firstBad?.line ? ` (line ${firstBad.line})` : ''}: ${firstBad?.message ?? ''}`,
    ...trust,
  ].join('\n')
}
