import { existsSync } from 'node:fs'
import { SallyportError } from '@sallyport/core'
import { type Config, dataPath, loadConfig } from '../config.ts'
import type { CommonOptions } from '../installation-command.ts'
import { warn } from '../output.ts'
import { openSallyport, type Sallyport } from '../sallyport.ts'

export { addGroup } from '../add-group.ts'
export { type CommonOptions, installationCommand } from '../installation-command.ts'

export function configOf(
  options: CommonOptions,
  flags: Record<string, string | number | undefined> = {},
): Config {
  return loadConfig({
    file: options.config,
    environment: process.env,
    flags: { data: options.data, ...flags },
  })
}

/**
 * Opens the installation for the length of `work`; the same data may be served meanwhile. Only what adds
 * to it may begin a new one: anything else was pointed at the wrong directory.
 */
export async function withSallyport<T>(
  options: CommonOptions,
  work: (sallyport: Sallyport) => Promise<T>,
  { begin = false } = {},
): Promise<T> {
  const config = configOf(options)
  if (!begin && !hasBegun(config)) {
    throw new SallyportError(
      'not_found',
      `${dataPath(config, '')}: holds no installation; name its directory with --data, or begin one with \`sallyport serve\``,
    )
  }
  const sallyport = await openSallyport(config)
  for (const notice of sallyport.notices) warn(notice)
  try {
    return await work(sallyport)
  } finally {
    await sallyport.close()
  }
}

/** Whether there is a database. One on a server is asked only by opening it. */
export function hasBegun(config: Config): boolean {
  const { url, url_file: file } = config.store
  return url !== undefined || file !== undefined || existsSync(dataPath(config, 'sallyport.db'))
}

/** Standard input as text, without the line feed that `echo` adds. */
export async function readStdin(limit = 4096): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length
    if (size > limit) {
      throw new SallyportError('invalid_input', `standard input: holds more than ${limit} bytes`)
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

export function wholeNumber(flag: string, text: string, range: { from: number; to: number }): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= range.from && value <= range.to) return value
  throw new SallyportError(
    'invalid_input',
    `${flag}: must be a whole number from ${range.from} to ${range.to}`,
  )
}

export function isoTime(at: number | null): string {
  return at === null ? '–' : new Date(at).toISOString()
}

/** A call as a shell makes it; the token stands in a body, never in an address that gets logged. */
export function curlLine(url: string, body: Record<string, string>): string {
  return `curl -sS ${url} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
}
