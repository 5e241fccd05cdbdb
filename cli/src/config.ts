import { isAbsolute, join, resolve } from 'node:path'
import {
  duration,
  type Fault,
  faultsOf,
  filePath,
  parseRange,
  settingsRefused,
  siemSettings,
  wholeNumber,
} from '@sallyport/core'
import { z } from 'zod'
import { fido2Fields } from './fido2.ts'
import { readYaml } from './read-yaml.ts'

/** A duration as the configuration and the command line spell it; `null` for anything else. */
export function readDuration(text: string): number | null {
  return duration.safeParse(text).data ?? null
}

/** The same, also as a number of seconds: how other systems write these keys. */
const seconds = z.preprocess(
  (value) => (typeof value === 'number' || /^\d{1,9}$/.test(String(value)) ? `${value}s` : value),
  duration,
)

const range = z.string().refine((text) => parseRange(text) !== null, 'must be an address or a CIDR range')

/** `true` and `false`, also as the environment spells them. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
const roleName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a name of letters, digits, _ and -')

/** Digits, which YAML reads as a number. */
const yubicloudClient = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string().regex(/^\d{1,16}$/, 'must be a number'),
)

/** So many tries in that time, then a wait that grows from one length to the next. */
function throttle(defaults: { attempts: number; within: string; lock_for: string[] }) {
  return z
    .strictObject({
      attempts: wholeNumber(1, 1_000_000).default(defaults.attempts),
      within: duration.prefault(defaults.within),
      lock_for: z.array(duration).min(1).max(16).prefault(defaults.lock_for),
      decay_after: duration.prefault('24h'),
    })
    .prefault({})
}

const score = wholeNumber(0, 100)
/** How much a category of patterns counts, in percent of what it does by itself. */
const percent = wholeNumber(0, 200).default(100)

/** Every key there is. The commented example in `sallyport.example.yaml` is checked against this. */
const schema = z.strictObject({
  data: filePath.default('./data'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: wholeNumber(0, 65_535).default(8080),
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
      digits: wholeNumber(6, 8).default(6),
      period: wholeNumber(15, 120).default(30),
      window: wholeNumber(0, 10).default(1),
      issuer: z.string().min(1).max(64).default('Sallyport'),
    })
    .prefault({}),
  lockout: z
    .strictObject({
      attempts: wholeNumber(1, 1_000_000).default(5),
      within: duration.prefault('60s'),
      lock_for: z.array(duration).min(1).max(16).prefault(['1m', '5m', '15m', '1h']),
      decay_after: duration.prefault('24h'),
      ceiling: wholeNumber(1, 100).default(100),
    })
    .prefault({}),
  ledger: z
    .strictObject({
      // A timer of no length never rests, and Node takes one of more than 24 days for one of no length.
      checkpoint_every: duration
        .refine((time) => time >= 1_000 && time <= 24 * 86_400_000, 'must be from 1s to 24d')
        .prefault('1m'),
      keep: duration.optional(),
    })
    .prefault({}),
  /** The address people use, where it differs from what this process listens on. */
  public_url: z.url({ protocol: /^https?$/ }).optional(),
  trusted_proxies: z.array(range).default([]),
  security: z
    .strictObject({
      mfa: z
        .strictObject({
          enabled: flag.default(true),
          required: flag.default(false),
          grace: duration.prefault('7d'),
          roles: z
            .record(roleName, z.strictObject({ required: flag, grace: duration.prefault('7d') }))
            .prefault({}),
          backup_codes: wholeNumber(5, 50).default(10),
          backup_format: z.enum(['short', 'long', 'digits']).default('short'),
          trusted_devices: z
            .strictObject({ enabled: flag.default(true), lifetime: duration.prefault('30d') })
            .prefault({}),
          yubikey: z
            .strictObject({
              enabled: flag.default(true),
              validator: z.enum(['yubicloud', 'self_hosted']).optional(),
              client_id: yubicloudClient.optional(),
              api_key: z.string().optional(),
              api_key_file: filePath.optional(),
              urls: z
                .array(z.url({ protocol: /^https?$/ }))
                .min(1)
                .max(10)
                .default(['https://api.yubico.com/wsapi/2.0/verify']),
              timeout: duration
                .refine((time) => time >= 100 && time <= 60_000, 'must be from 100ms to 60s')
                .prefault('5s'),
            })
            .prefault({}),
          fido2: z.strictObject({ enabled: flag.default(true), ...fido2Fields }).prefault({}),
        })
        .prefault({}),
      threat_detection: z
        .strictObject({
          enabled: flag.default(true),
          geoip_file: filePath.optional(),
          mode: z.enum(['observe', 'block']).default('block'),
          suspicious_pattern_threshold: wholeNumber(1, 1_000).default(5),
          suspicious_pattern_window: duration.prefault('1h'),
          scores: z.strictObject({ suspicious: score.default(40), block: score.default(70) }).prefault({}),
          weights: z
            .strictObject({
              ...{ scanner: percent, sqli: percent, xss: percent, traversal: percent, command: percent },
            })
            .prefault({}),
          rapid: z
            .strictObject({
              requests: wholeNumber(1, 1_000_000).default(120),
              within: duration.prefault('10s'),
            })
            .prefault({}),
          failed_login_threshold: wholeNumber(1, 1_000).default(10),
          failed_login_window: seconds.prefault('1h'),
          ip_block_duration: seconds.prefault('1h'),
          ip_block_longest: seconds.prefault('7d'),
          repeat_window: seconds.prefault('30d'),
          allow_list: z.array(range).max(1_000).default([]),
          tracked_addresses: wholeNumber(1_000, 10_000_000).default(1_000_000),
          keep_events: duration.prefault('90d'),
        })
        .prefault({}),
      fips_mode: flag.default(false),
      enforce_fips: flag.default(false),
    })
    .prefault({}),
  /** A policy file for the login gate; without one, any enrolled second factor passes the one step. */
  login_policies: filePath.optional(),
  roles: z.array(roleName).max(200).default([]),
  sessions: z
    .strictObject({
      lifetime: duration.prefault('30d'),
      refresh_lifetime: duration.prefault('30d'),
      enrolling_lifetime: duration.prefault('1h'),
    })
    .prefault({}),
  attempts: z.strictObject({ lifetime: duration.prefault('5m') }).prefault({}),
  passwords: z
    .strictObject({
      guesses: throttle({ attempts: 10, within: '15m', lock_for: ['1m', '5m', '15m', '1h'] }),
      guesses_per_address: throttle({ attempts: 100, within: '1h', lock_for: ['15m', '1h'] }),
      resets: throttle({ attempts: 3, within: '1h', lock_for: ['1h'] }),
      resets_per_address: throttle({ attempts: 20, within: '1h', lock_for: ['1h'] }),
    })
    .prefault({}),
  email_codes: z
    .strictObject({
      lifetime: duration.prefault('10m'),
      tries: wholeNumber(1, 20).default(5),
      sends: wholeNumber(1, 100).default(3),
      within: duration.prefault('1h'),
    })
    .prefault({}),
  mail: z
    .strictObject({
      from: z.string().min(3).max(320).default('Sallyport <sallyport@localhost>'),
      smtp: z
        .strictObject({
          host: z.string().min(1),
          port: wholeNumber(1, 65_535).default(587),
          secure: z.enum(['tls', 'starttls', 'none']).default('starttls'),
          user: z.string().optional(),
          password: z.string().optional(),
          password_file: filePath.optional(),
          ca_file: filePath.optional(),
        })
        .optional(),
    })
    .prefault({}),
  /** Where evidence is sent; without it, nowhere. */
  siem: siemSettings.optional(),
  step_up: z.strictObject({ fresh_for: duration.prefault('5m') }).prefault({}),
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
  // A section whose keys are all commented out is none at all.
  for (const { path } of configKeys) if (path.length > 1 && merged[path[0]!] === null) delete merged[path[0]!]
  for (const [name, value] of Object.entries(sources.environment)) {
    if (!name.startsWith('SALLYPORT_') || value === undefined) continue
    const key = environmentKeys.get(name)
    if (key === undefined) faults.push({ path: name, message: 'no such key; see sallyport.example.yaml' })
    else setPath(merged, key.path, key.isList ? value.split(',').map((entry) => entry.trim()) : value)
  }
  for (const [path, value] of Object.entries(sources.flags ?? {})) {
    if (value !== undefined) setPath(merged, path.split('.'), value)
  }
  const parsed = schema.safeParse(merged, { reportInput: true })
  if (!parsed.success) faults.push(...faultsOf(parsed.error))
  if (faults.length > 0 || !parsed.success) {
    throw settingsRefused(
      faults,
      sources.file === undefined ? 'the configuration' : `the configuration in ${sources.file}`,
    )
  }
  return parsed.data
}

/** Any of the spellings that operators know. */
export function fipsRequired({ fips, security }: Config): boolean {
  return fips === 'required' || security.fips_mode || security.enforce_fips
}

/** A file named in the configuration, found beside the data unless its path is absolute. */
export function dataPath(config: Config, file: string): string {
  return isAbsolute(file) ? file : join(resolve(config.data), file)
}

interface Key {
  path: string[]
  isList: boolean
}

/** Every key that holds a value or a list of them. */
export const configKeys: readonly Key[] = keysOf(schema, [])

/** `SALLYPORT_TOTP_ISSUER` → `totp.issuer`. */
const environmentKeys = new Map(
  configKeys.map((key) => [`SALLYPORT_${key.path.join('_').toUpperCase()}`, key]),
)

function keysOf(field: unknown, path: string[]): Key[] {
  if (field instanceof z.ZodObject) {
    return Object.entries(field.shape).flatMap(([name, inner]) => keysOf(inner, [...path, name]))
  }
  if (field instanceof z.ZodPrefault || field instanceof z.ZodDefault || field instanceof z.ZodOptional) {
    return keysOf(field.unwrap(), path)
  }
  return [{ path, isList: field instanceof z.ZodArray }]
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
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
