import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SallyportError } from '@sallyport/core'
import type { Direction, ExportFormatName, RecordingContent } from '@sallyport/gate-serial'
import { type Command, Option } from 'commander'
import { style, warn } from '../output.ts'
import { auditorKeyFrom, loadGate, naming, publicKeyFor, recordingCommand } from './recording-common.ts'

interface ContentOptions {
  key?: string
  publicKey?: string
}

interface ExportOptions extends ContentOptions {
  format: ExportFormatName
  direction?: Direction
  out?: string
}

interface PlayOptions extends ContentOptions {
  direction: Direction | 'both'
  speed: string
  raw?: boolean
}

const formats = ['raw', 'asciicast', 'jsonl', 'pcapng', 'text']

function contentCommand(name: string, description: string): Command {
  return recordingCommand(name, description)
    .argument('<file>', 'the recording')
    .option('--key <file>', "an auditor's private key, which a sealed recording takes")
    .option('--public-key <file>', "the serial gate's public key (default: the one under `state/`)")
    .option('--json', 'say failures as JSON')
}

export function exportCommand(): Command {
  return contentCommand('export', 'write what passed the line in another format')
    .addOption(new Option('--format <format>', 'how').choices(formats).default('text'))
    .addOption(new Option('--direction <direction>', 'only what went that way').choices(['in', 'out']))
    .option('--out <file>', 'where to (default: standard output)')
    .addHelpText(
      'after',
      '\n`in` is what the technician typed, `out` what the device said.\n\nExample:\n  $ sallyport recording export one.session --format raw --direction out --key auditor.key --out device.bin\n',
    )
    .action((file: string, options: ExportOptions) => exportOne(file, options))
}

export function playCommand(): Command {
  return contentCommand('play', 'play a session in this terminal')
    .addOption(
      new Option('--direction <direction>', 'what is shown').choices(['in', 'out', 'both']).default('out'),
    )
    .option('--speed <factor>', 'times as fast as it was; 0 waits for nothing', '1')
    .option('--raw', 'let the terminal obey the control sequences in it')
    .addHelpText(
      'after',
      '\nExample:\n  $ sallyport recording play one.session --speed 4 --key auditor.key\n',
    )
    .action((file: string, options: PlayOptions) => playOne(file, options))
}

async function openContent(file: string, options: ContentOptions): Promise<RecordingContent> {
  const { readRecording } = await loadGate()
  const keys = { ...(await publicKeyFor(file, options.publicKey)), ...(await auditorKeyFrom(options.key)) }
  return naming(file, readRecording(file, keys))
}

async function exportOne(file: string, options: ExportOptions): Promise<void> {
  const { exportRecording } = await loadGate()
  const { format, direction, out } = options
  const content = await openContent(file, options)
  const pieces = Readable.from(exportRecording(content, { format, direction }), { objectMode: true })
  const target = out === undefined ? process.stdout : createWriteStream(out, { mode: 0o600, flags: 'wx' })
  try {
    await pipeline(pieces, target, { end: out !== undefined })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (out === undefined || cause instanceof SallyportError) throw cause
    if (code === 'EEXIST') throw new SallyportError('already_exists', `${out}: is there already`, { cause })
    throw new SallyportError('invalid_input', `${out}: cannot be written (${code})`, { cause })
  }
  warnOfEnd(content)
}

async function playOne(file: string, options: PlayOptions): Promise<void> {
  const { playRecording } = await loadGate()
  const speed = speedOf(options.speed)
  const content = await openContent(file, options)
  await playRecording(content, {
    ...{ direction: options.direction, speed, raw: options.raw ?? false },
    monotonic: () => performance.now(),
    write: (piece) =>
      new Promise((resolve, reject) => {
        process.stdout.write(piece, (error) => (error ? reject(error) : resolve()))
      }),
  })
  process.stdout.write('\n')
  warnOfEnd(content)
}

function speedOf(text: string): number {
  const speed = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(speed)) {
    throw new SallyportError(
      'invalid_input',
      '--speed: must be a number such as 0.5, 1 or 20; 0 waits for nothing',
    )
  }
  return speed === 0 ? Number.POSITIVE_INFINITY : speed
}

function warnOfEnd({ result }: RecordingContent): void {
  const { status, keyFrom } = result()
  if (status !== 'clean') warn(style.yellow(`the recording is ${status}: see \`sallyport recording verify\``))
  if (keyFrom === 'recording')
    warn(style.yellow('checked against the public key that the recording names itself'))
}
