import { callControl } from '@sallyport/gate-serial'
import { print, style, table } from '../output.ts'
import { controlPath, readShimConfig } from './read-config.ts'

/** As the gate's states have it. */
const wholePort = 'THE WHOLE PORT'

interface StatusAnswer {
  ports: {
    id: string
    state: string
    technician: string | null
    session_id: string | null
    bytes_in: number
    bytes_out: number
    reason: string | null
    locked: string[]
    unexplained?: string[]
    endpoints: { technician: string; device: string }
  }[]
  boot_count: number
  clock: { trusted: boolean; reason?: string }
  directory?: { state: string; serial: number | null; expires: string | null; refused: string | null }
}

/** Asks the daemon that runs with this configuration file. */
export async function askCommand(
  command: string,
  options: { config: string; json?: boolean },
  args: Record<string, unknown>,
): Promise<void> {
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined))
  const data = await callControl(controlPath(readShimConfig(options.config)), command, given)
  const text = () =>
    command === 'status'
      ? formatStatus(data as StatusAnswer)
      : `${style.green('done')}: ${command}${whatWasDone(data as Record<string, unknown>)}`
  print({ json: options.json ?? false, data, text })
}

function formatStatus({ ports, boot_count: boots, clock, directory }: StatusAnswer): string {
  const rows = ports.map((port) => [
    ...[port.id, port.state, port.technician ?? '–', port.session_id ?? '–'],
    ...[String(port.bytes_in), String(port.bytes_out), port.endpoints.technician, port.endpoints.device],
  ])
  const notes = ports.flatMap(({ id, reason, locked }) => [
    ...(reason === null ? [] : [`${id}: ${reason}`]),
    ...locked.map((lock) => style.yellow(`${id}: locked: ${lock === wholePort ? 'the whole port' : lock}`)),
  ])
  const waiting = ports.flatMap(({ unexplained = [] }) => unexplained)
  return [
    table(['PORT', 'STATE', 'TECHNICIAN', 'SESSION', 'IN', 'OUT', 'NEAR', 'DEVICE'], rows),
    ...notes,
    `start ${boots}; clock ${clock.trusted ? 'trusted' : style.red(`not trusted: ${clock.reason}`)}`,
    ...(directory ? bundleLines(directory) : []),
    ...waiting.map((session) => style.yellow(`break-glass session ${session} waits to be explained`)),
  ].join('\n')
}

function bundleLines({ state, serial, expires, refused }: NonNullable<StatusAnswer['directory']>): string[] {
  const paint = state === 'valid' ? style.green : state === 'expiring' ? style.yellow : style.red
  const held = serial === null ? 'none was accepted yet' : `serial ${serial}, until ${expires}`
  const lines = [`bundle of technicians: ${paint(state)}; ${held}`]
  return refused === null ? lines : [...lines, style.red(`the file that lies there ${refused}`)]
}

/** Times as times, the port as the port. */
function whatWasDone(data: Record<string, unknown>): string {
  if ('before' in data) {
    const [before, now] = [data.before, data.now].map((at) => (at === null ? 'none' : isoTime(Number(at))))
    const done = `: it is ${now}; the latest time before was ${before}`
    return data.trusted === false
      ? `${done}\n${style.yellow(`codes are still refused: ${data.reason}`)}`
      : done
  }
  const values = Object.values(data).flat()
  if (values.length === 0) return ': there was nothing to lift'
  return ` ${values.map((value) => (value === wholePort ? 'the whole port' : value)).join(', ')}`
}

const isoTime = (at: number) => new Date(at).toISOString()
