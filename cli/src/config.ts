import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { describeFaults, type Fault, SallyportError } from '@sallyport/core'
import { parseDocument } from 'yaml'
import { z } from 'zod'

const largestFile = 256 * 1024
const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `24h`, `30d`: a number with its unit, read as milliseconds. */
const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'must be a duration such as 60s, 15m, 24h or 30d')
  .transform((text) => {
    const [, number, unit] = /^(\d+)([a-z]+)$/.exec(text)!
    return Number(number) * units[unit as keyof typeof units]
  })

const filePath = z.string().min(1).max(4096)

/** Every key there is. The commented example in `sallyport.example.yaml` is checked against this. */
const schema = z.strictObject({
  data: filePath.default('./data'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.coerce.number().int().min(0).max(65_535).default(8080),
    })
    .prefault({}),
  store: z
    .strictObject({
      url: z.string().startsWith('postgres', 'must be a postgres:// URL').optional(),
      url_file: filePath.optional(),
    })
    .prefault({}),
  vault: z
    .strictObject({
      key_file: filePath.optional(),
      passphrase_file: filePath.optional(),
      command: z.array(z.string()).min(1).optional(),
    })
    .refine(
      (vault) => Object.values(vault).filter(Boolean).length <= 1,
      'name one of key_file, passphrase_file and command',
    )
    .prefault({}),
  totp: z
    .strictObject({
      algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).default('SHA1'),
      digits: z.coerce.number().int().min(6).max(8).default(6),
      period: z.coerce.number().int().min(15).max(120).default(30),
      window: z.coerce.number().int().min(0).max(10).default(1),
      issuer: z.string().min(1).max(64).default('Sallyport'),
    })
    .prefault({}),
  lockout: z
    .strictObject({
      attempts: z.coerce.number().int().min(1).max(100).default(5),
      within: duration.prefault('60s'),
      lock_for: z.array(duration).min(1).max(16).prefault(['1m', '5m', '15m', '1h']),
      decay_after: duration.prefault('24h'),
      ceiling: z.coerce.number().int().min(1).max(100).default(100),
    })
    .prefault({}),
  ledger: z
    .strictObject({ checkpoint_every: duration.prefault('1m'), keep: duration.optional() })
    .prefault({}),
  fips: z.enum(['off', 'required']).default('off'),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
})

export type Config = z.infer<typeof schema>

export interface ConfigSources {
  /** A YAML file; without one the defaults hold. */
  file?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  /** Flags of the command line, by path: `{ 'listen.port': '8081' }`. They win over all else. */
  flags?: Readonly<Record<string, string | number | undefined>>
}

/** One configuration from file, environment and flags, or one error that names the path of every fault. */
export function loadConfig(sources: ConfigSources): Config {
  const merged = sources.file === undefined ? {} : readYaml(sources.file)
  const faults: Fault[] = []
  for (const [name, value] of Object.entries(sources.environment)) {
    if (!name.startsWith('SALLYPORT_') || value === undefined) continue
    const path = environmentPaths.get(name)
    if (path === undefined) faults.push({ path: name, message: 'no such key; see sallyport.example.yaml' })
    else setPath(merged, path, value)
  }
  for (const [path, value] of Object.entries(sources.flags ?? {})) {
    if (value !== undefined) setPath(merged, path.split('.'), value)
  }
  const parsed = schema.safeParse(merged)
  faults.push(...(parsed.error?.issues ?? []).flatMap(describeIssue))
  if (faults.length > 0 || !parsed.success) {
    const where = sources.file === undefined ? 'the configuration' : `the configuration in ${sources.file}`
    throw new SallyportError('config_invalid', `${where} cannot be used:\n${describeFaults(faults)}`, {
      faults,
    })
  }
  return parsed.data
}

/** A file named in the configuration, found beside the data unless its path is absolute. */
export function dataPath(config: Config, file: string): string {
  return isAbsolute(file) ? file : join(resolve(config.data), file)
}

/** Reads YAML of a bounded size with a bounded number of aliases: what a person wrote, never a bomb. */
export function readYaml(file: string): Record<string, unknown> {
  const text = readBounded(file)
  const document = parseDocument(text, { uniqueKeys: true, merge: false })
  const faults = document.errors.map((error) => {
    const line = error.linePos?.[0].line
    return {
      path: line === undefined ? file : `${file}:${line}`,
      message: error.message.split('\n')[0]!.replace(/ at line .*$/, ''),
    }
  })
  if (faults.length > 0) throw new SallyportError('config_invalid', describeFaults(faults), { faults })
  try {
    const value: unknown = document.toJS({ maxAliasCount: 32 })
    if (value === null || value === undefined) return {}
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new SallyportError('config_invalid', `${file}: refers to itself too often to be read safely`, {
      cause,
    })
  }
  throw new SallyportError('config_invalid', `${file}: must be a mapping of keys to values`)
}

function readBounded(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > largestFile) {
      throw new SallyportError(
        'config_invalid',
        `${file}: has ${size} bytes; at most ${largestFile} are read`,
      )
    }
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError(
      'config_invalid',
      `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      { cause },
    )
  }
}

/** `SALLYPORT_TOTP_ISSUER` → `totp.issuer`, for every single value there is. */
const environmentPaths = new Map(
  Object.entries(schema.shape).flatMap(([section, field]): [string, string[]][] => {
    const inner = field instanceof z.ZodPrefault ? field.unwrap() : field
    const keys = inner instanceof z.ZodObject ? Object.keys(inner.shape) : null
    const paths = keys ? keys.map((key) => [section, key]) : [[section]]
    return paths.map((path) => [`SALLYPORT_${path.join('_').toUpperCase()}`, path])
  }),
)

function setPath(target: Record<string, unknown>, path: readonly string[], value: string | number): void {
  const [key, ...rest] = path
  if (rest.length === 0) {
    target[key!] = value
    return
  }
  const inner = target[key!]
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
  target[key!] = next
  setPath(next, rest, value)
}

function describeIssue(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
  return issue.keys.map((key) => ({ path: path ? `${path}.${key}` : key, message: 'unknown key' }))
}
