import type { Random } from '../clock.ts'
import type { Fault } from '../errors.ts'
import { type BcryptCheck, derive, matchesHash, parsePasswordHash } from './shared/password-hashes.ts'

export type PasswordScheme = 'argon2id' | 'pbkdf2-sha256'

/** RFC 9106 calls for memory first; these are OWASP's figures for interactive sign-in. */
const argon2 = { memory: 19_456, passes: 2, parallelism: 1 }
const pbkdf2Iterations = 600_000
const hashLength = 32
const shortest = 12
const longest = 256

/** Hashes a password into a self-describing PHC string, off the event loop. */
export async function hashPassword(
  password: string,
  options: { scheme: PasswordScheme; random: Random },
): Promise<string> {
  const salt = options.random.bytes(16)
  const derivation =
    options.scheme === 'argon2id'
      ? ({ scheme: 'argon2id', ...argon2 } as const)
      : ({ scheme: 'pbkdf2', digest: 'sha256', iterations: pbkdf2Iterations } as const)
  const hash = await derive(derivation, { password, salt, length: hashLength })
  return `${prefixOf(options.scheme)}${base64(salt)}$${base64(hash)}`
}

/** Whether `password` is the one hashed in `phc`, by us or elsewhere. Throws `invalid_input` for no known hash. */
export async function verifyPassword(password: string, phc: string, bcrypt?: BcryptCheck): Promise<boolean> {
  return matchesHash(password, parsePasswordHash(phc), bcrypt)
}

/** Whether a stored hash is of the kind and cost that a new one would be. */
export function isCurrentHash(phc: string, scheme: PasswordScheme): boolean {
  return phc.startsWith(prefixOf(scheme))
}

/** A hash of nothing that costs what a real one costs to check: for accounts that do not exist. */
export function decoyHash(options: { scheme: PasswordScheme; random: Random }): string {
  const { scheme, random } = options
  return `${prefixOf(scheme)}${base64(random.bytes(16))}$${base64(random.bytes(hashLength))}`
}

/** What is wrong with a new password; empty when it will do. */
export function passwordFaults(password: string): Fault[] {
  const length = [...password].length
  if (length < shortest)
    return [{ path: 'password', message: `must have at least ${shortest} characters, has ${length}` }]
  if (password.length > longest)
    return [{ path: 'password', message: `must have at most ${longest} characters` }]
  return []
}

/** Everything of a new hash that comes before its salt. */
function prefixOf(scheme: PasswordScheme): string {
  const { memory, passes, parallelism } = argon2
  return scheme === 'argon2id'
    ? `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$`
    : `$pbkdf2-sha256$i=${pbkdf2Iterations}$`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}
