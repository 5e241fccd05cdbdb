import { type Fault, SallyportError } from '../errors.ts'
import type { PasswordScheme } from '../factors/password.ts'
import { encodeSecret } from '../factors/shared/base32.ts'
import { parsePasswordHash } from '../factors/shared/password-hashes.ts'
import { parseProvisioningUri } from '../factors/shared/provisioning-uri.ts'
import { defaultTotpSettings, type TotpSettings } from '../factors/shared/totp-settings.ts'
import { importTotpSecret } from '../factors/totp.ts'
import { isMailAddress } from '../mail/letters.ts'
import { canonicalAlias } from './subjects.ts'

export const importColumns = [
  'email',
  'role',
  'company',
  'extension',
  'email_verified',
  'password_hash',
  'totp',
  'totp_name',
  'mfa_enrolled_at',
] as const

type Column = (typeof importColumns)[number]

/** What a reader made of one row: its fields by name, or why it could not be read. */
export type ImportRecord =
  | { line: number; fields: Readonly<Record<string, unknown>> }
  | { line: number; fault: string }

export interface ImportedSeed {
  secret: Uint8Array
  settings: TotpSettings
  name: string
}

export interface ImportedUser {
  email: string
  role: string
  company: string | null
  extension: string | null
  emailVerified: boolean
  passwordHash: string | null
  seeds: ImportedSeed[]
  enrolledAt: number | null
}

export interface ReadUser {
  user: ImportedUser
  faults: Fault[]
  warnings: Fault[]
}

const mostSeeds = 10

/**
 * Reads one row. Every fault names its field, and none repeats a value: what stands in the wrong column may be
 * a secret.
 */
export function readUser(
  fields: Readonly<Record<string, unknown>>,
  context: { now: number; scheme: PasswordScheme },
): ReadUser {
  const faults: Fault[] = []
  const warnings: Fault[] = []

  function attempt<T>(path: Column, read: () => T, otherwise: T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      faults.push(
        ...(error.faults.length > 0
          ? error.faults.map((fault) => ({ path, message: `${fault.path}: ${fault.message}` }))
          : [{ path, message: error.message }]),
      )
      return otherwise
    }
  }
  const text = (path: Column) => attempt(path, () => textOf(fields[path]), null)

  for (const name of Object.keys(fields)) {
    if (!isColumn(name)) faults.push({ path: nameOf(name), message: 'there is no such column' })
  }
  const email = attempt<string | null>('email', () => textOf(fields.email) ?? '', null)
  const role = text('role') ?? 'user'
  const company = text('company')
  const extension = text('extension')
  const name = text('totp_name') ?? 'Authenticator'
  const passwordHash = text('password_hash')
  const wrong = (path: Column, message: string) => faults.push({ path, message })
  if (email === '') wrong('email', 'is missing')
  else if (email !== null && (!isMailAddress(email) || canonicalAlias(email) === null)) {
    wrong('email', 'is no mail address')
  }
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(role)) wrong('role', 'is no name of a role')
  if (company !== null && !isLabel(company, 200)) wrong('company', 'is no name')
  if (extension !== null && canonicalAlias(extension) === null) wrong('extension', 'is no name')
  if (!isLabel(name, 60)) wrong('totp_name', 'is no name of at most 60 characters')
  if (passwordHash !== null) {
    attempt('password_hash', () => checkHash(passwordHash, context.scheme), undefined)
  }
  const seeds = attempt('totp', () => seedsOf(fields.totp), []).map((seed, index) => {
    if (seed.warning) {
      const bits = seed.secret.length * 8
      warnings.push({ path: 'totp', message: `the seed has ${bits} bits; 128 are the least for a new one` })
    }
    const { secret, settings } = seed
    return { secret, settings, name: index === 0 ? name : `${name} ${index + 1}` }
  })
  const enrolledAt = attempt('mfa_enrolled_at', () => timeOf(fields.mfa_enrolled_at, context.now), null)
  if (enrolledAt !== null && seeds.length === 0) {
    wrong('mfa_enrolled_at', 'there is no seed that was enrolled then')
  }
  const emailVerified = attempt('email_verified', () => flagOf(fields.email_verified), true)
  const names = { email: email ?? '', role, company, extension }
  const user = { ...names, emailVerified, passwordHash, seeds, enrolledAt }
  return { user, faults, warnings }
}

function checkHash(text: string, scheme: PasswordScheme): void {
  const hash = parsePasswordHash(text)
  const isPbkdf2 = hash.kind === 'derived' && hash.derivation.scheme === 'pbkdf2'
  if (scheme === 'pbkdf2-sha256' && !isPbkdf2) throw wrongly('in FIPS mode only PBKDF2 can be checked')
}

type FoundSeed = Omit<ImportedSeed, 'name'> & { warning: string | null }

/** Base32 or `otpauth:` URIs: a list, or one text that parts them by semicolons. */
function seedsOf(value: unknown): FoundSeed[] {
  const listed = Array.isArray(value) ? value.map(textOf) : textOf(value)?.split(';')
  const texts = (listed ?? []).flatMap((text) => text?.trim() || [])
  if (texts.length > mostSeeds) throw wrongly(`holds more than ${mostSeeds} seeds`)
  const seeds = texts.map((text) => {
    if (!/^otpauth:/i.test(text)) return { ...importTotpSecret(text), settings: defaultTotpSettings }
    const { secret, algorithm, digits, period } = parseProvisioningUri(text)
    return { ...importTotpSecret(encodeSecret(secret)), settings: { algorithm, digits, period } }
  })
  if (new Set(seeds.map(({ secret }) => encodeSecret(secret))).size < seeds.length) {
    throw wrongly('holds one seed twice')
  }
  return seeds
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw wrongly('must be text')
  return value.trim() || null
}

function flagOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  const text = textOf(value)?.toLowerCase() ?? 'true'
  if (text !== 'true' && text !== 'false') throw wrongly('must be true or false')
  return text === 'true'
}

function timeOf(value: unknown, now: number): number | null {
  const text = textOf(value)
  if (text === null) return null
  const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/
  const at = iso.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw wrongly('must be a day or a moment, such as 2024-05-31 or 2024-05-31T12:00:00Z')
  if (at > now) throw wrongly('lies ahead')
  return at
}

function isColumn(name: string): name is Column {
  return (importColumns as readonly string[]).includes(name)
}

/** A name as it may be shown: a secret that came to stand in its place is long, or holds a digit. */
function nameOf(column: string): string {
  return /^[A-Za-z_ -]{1,24}$/.test(column) ? column : '(unnamed)'
}

function isLabel(text: string, longest: number): boolean {
  return text.length <= longest && text.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
}

function wrongly(message: string): SallyportError {
  return new SallyportError('invalid_input', message)
}
