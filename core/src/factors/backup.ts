import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Random } from '../clock.ts'
import { SallyportError } from '../errors.ts'
import type { Enrolment } from '../store.ts'
import type { Factor } from './factor.ts'
import { drawGroups, legible } from './shared/legible.ts'

export type BackupFormat = 'short' | 'long' | 'digits'

/** What the enrolment keeps in the open; the hashes themselves are its sealed secret. */
export interface BackupSettings {
  format: BackupFormat
  /** How many codes the set had when it was new. */
  count: number
  iterations: number
  /** One for the whole set, in base64url. */
  salt: string
}

const formats = {
  short: { alphabet: legible, groups: [4, 4] },
  // 65 bits: NIST SP 800-63B, section 5.1.2.2, asks no throttling of look-up secrets of 64
  long: { alphabet: legible, groups: [4, 4, 5] },
  digits: { alphabet: '0123456789', groups: [8] },
} as const

/** Only these exact characters: an `i` flag or a case mapping would let look-alikes from Unicode in. */
const shapes: Record<BackupFormat, RegExp> = {
  short: /^[A-HJ-NP-Za-hj-np-z2-9]{4}-?[A-HJ-NP-Za-hj-np-z2-9]{4}$/,
  long: /^[A-HJ-NP-Za-hj-np-z2-9]{4}-?[A-HJ-NP-Za-hj-np-z2-9]{4}-?[A-HJ-NP-Za-hj-np-z2-9]{5}$/,
  digits: /^[0-9]{8}$/,
}

const storedSettings: z.ZodType<BackupSettings> = z.object({
  format: z.enum(['short', 'long', 'digits']),
  count: z.int(),
  iterations: z.int(),
  salt: z.string(),
})

const longestCode = 15
const saltBytes = 16
const hashBytes = 32

/** Codes to print and keep. Shown once; only `hashBackupCodes` of them is stored. */
export function generateBackupCodes(options: {
  random: Random
  format?: BackupFormat
  count?: number
}): string[] {
  const { random, format = 'short', count = 10 } = options
  const codes = new Set<string>()
  while (codes.size < count) {
    const code = drawGroups(random, formats[format])
    // without a letter it could be taken for a TOTP code when typed without its hyphens
    if (format === 'digits' || /[A-Z]/.test(code)) codes.add(code)
  }
  return [...codes]
}

/**
 * The slow hashes of a set of codes, one after another so that sign-ins waiting for the same few worker
 * threads are not held up behind all of them.
 *
 * The set has one salt, so that one slow hash judges a guess however many codes are left. Two equal sets
 * still have nothing in common, and no table computed ahead fits either.
 */
export async function hashBackupCodes(
  codes: readonly string[],
  options: { random: Random; format: BackupFormat; iterations?: number },
): Promise<{ settings: BackupSettings; secret: Uint8Array }> {
  const { random, format, iterations = 600_000 } = options
  const salt = Buffer.from(random.bytes(saltBytes)).toString('base64url')
  const settings = { format, count: codes.length, iterations, salt }
  const hashes: Uint8Array[] = []
  for (const code of codes) hashes.push(await slowHash(code, settings))
  return { settings, secret: Buffer.concat(hashes) }
}

/** Whether this has the shape of such a code: any case, each hyphen in its place or left out, nothing else. */
export function isBackupCode(input: unknown, format: BackupFormat): input is string {
  return typeof input === 'string' && input.length <= longestCode && shapes[format].test(input)
}

/** Under which the spent codes of an enrolment are counted. */
export function backupSpentPrefix(enrolmentId: string): string {
  return `backup:${enrolmentId}:`
}

export function createBackupFactor(): Factor {
  return {
    type: 'backup',
    unguessable: false,
    recovery: true,
    wellFormed: (input, enrolment) => isBackupCode(input, settingsOf(enrolment).format),
    async verify({ enrolment, secret, input }) {
      const settings = settingsOf(enrolment)
      if (secret.length !== settings.count * hashBytes) throw damaged(enrolment, 'hashes')
      if (!isBackupCode(input, settings.format)) return null
      const index = placeOf(await slowHash(input, settings), secret)
      if (index === null) return null
      return {
        spends: [{ kind: 'once', key: `${backupSpentPrefix(enrolment.id)}${index}` }],
        detail: { code_index: index },
      }
    },
  }
}

/** Compares with every hash, whether or not one has matched already. */
function placeOf(hash: Uint8Array, hashes: Uint8Array): number | null {
  let found: number | null = null
  for (let at = 0; at < hashes.length; at += hashBytes) {
    if (timingSafeEqual(hash, hashes.subarray(at, at + hashBytes))) found = at / hashBytes
  }
  return found
}

/** On the thread pool, so that the event loop goes on meanwhile. */
function slowHash(code: string, { salt, iterations }: BackupSettings): Promise<Uint8Array> {
  const canonical = code.replaceAll('-', '').toUpperCase()
  return new Promise((resolve, reject) => {
    pbkdf2(canonical, Buffer.from(salt, 'base64url'), iterations, hashBytes, 'sha256', (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

/** Written by `hashBackupCodes`: what does not look like it was damaged since. */
function settingsOf(enrolment: Enrolment): BackupSettings {
  const checked = storedSettings.safeParse(enrolment.settings)
  if (checked.success) return checked.data
  throw damaged(enrolment, 'settings')
}

function damaged({ id }: Enrolment, what: string): SallyportError {
  return new SallyportError('store_damaged', `the backup codes of enrolment ${id} have unusable ${what}`)
}
