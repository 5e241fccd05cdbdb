import { basename } from 'node:path'
import type { RecordingSummary } from '@sallyport/gate-serial'
import type { Command } from 'commander'
import { print, style, table } from '../output.ts'
import { isoTime } from './common.ts'
import { loadGate, naming, recordingCommand, recordingsAt, seconds } from './recording-common.ts'

interface ListOptions {
  json?: boolean
}

export function listCommand(): Command {
  return recordingCommand('list', 'list recordings, as they describe themselves')
    .argument('[path]', 'a recording, or a directory of them (default: /var/lib/shim)')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nNothing is proven by it: see `recording verify`.\n\nExample:\n  $ sallyport recording list\n',
    )
    .action((path: string | undefined, options: ListOptions) => list(path, options))
}

export function showCommand(): Command {
  return recordingCommand('show', 'show what a recording says of its session')
    .argument('<file>', 'the recording')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nNothing is proven by it: see `recording verify`.\n\nExample:\n  $ sallyport recording show sessions/2026-04-15T09-22-03.empump-12-alice@example.org.session\n',
    )
    .action((file: string, options: ListOptions) => show(file, options))
}

async function summaries(path: string | undefined): Promise<RecordingSummary[]> {
  const { summarize } = await loadGate()
  const found: RecordingSummary[] = []
  for (const file of await recordingsAt(path)) found.push(await naming(file, summarize(file)))
  return found
}

/** `open` is what has no footer: being recorded at this moment, or left behind by a crash. */
function stateOf({ header, footer }: RecordingSummary): string {
  if (header === null) return 'unreadable'
  if (footer === null) return 'open'
  return footer.interrupted === undefined ? 'closed' : 'interrupted'
}

function described(summary: RecordingSummary) {
  const { path, size, header, footer } = summary
  return {
    file: path,
    state: stateOf(summary),
    session: header?.session ?? null,
    device: header?.device.id ?? null,
    port: header?.port ?? null,
    technician: header?.technician.id ?? null,
    opened_at: header === null ? null : isoTime(header.opened),
    closed_at: footer === null ? null : isoTime(footer.closed),
    reason: footer?.reason ?? null,
    frames: footer?.frames ?? null,
    bytes_in: footer?.bytes?.in ?? null,
    bytes_out: footer?.bytes?.out ?? null,
    gaps: footer?.gaps ?? null,
    mode: header?.mode ?? null,
    sealed: header === null ? null : header.recipients.length > 0,
    marked: header?.marked ?? null,
    size,
  }
}

async function list(path: string | undefined, { json = false }: ListOptions): Promise<void> {
  const { harmlessLine } = await loadGate()
  const found = await summaries(path)
  const row = (summary: RecordingSummary): string[] => {
    const { header, footer } = summary
    const lasted = header === null || footer === null ? '–' : seconds(footer.closed - header.opened)
    const about = [header?.technician.id ?? '–', header?.device.id ?? '–', stateOf(summary)]
    return [
      isoTime(header?.opened ?? null).slice(0, 19),
      lasted,
      ...about.map(harmlessLine),
      footer?.bytes === undefined ? '–' : `${footer.bytes.in}/${footer.bytes.out}`,
      harmlessLine(basename(summary.path)),
    ]
  }
  print({
    json,
    data: { recordings: found.map(described) },
    text: () =>
      found.length === 0
        ? 'there are no recordings'
        : table(
            ['opened', 'lasted', 'technician', 'device', 'state', 'bytes in/out', 'file'],
            found.map(row),
          ),
  })
}

async function show(file: string, { json = false }: ListOptions): Promise<void> {
  const { harmlessLine } = await loadGate()
  const [summary] = await summaries(file)
  const { header, footer } = summary!
  const data = {
    ...described(summary!),
    opened_by: header?.openedBy ?? null,
    port_settings: header?.portSettings ?? null,
    policy: header?.policy ?? null,
    software: header?.software ?? null,
    clock: header?.clock ?? null,
    public_key: header?.publicKey ?? null,
    auditors: header?.recipients.map(({ auditor }) => auditor) ?? null,
    interrupted: footer?.interrupted ?? null,
  }
  print({
    json,
    data,
    text: () =>
      Object.entries(data)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => {
          const text = typeof value === 'string' ? value : JSON.stringify(value)
          return `${style.bold(name.padEnd(14))} ${harmlessLine(text)}`
        })
        .join('\n'),
  })
}
