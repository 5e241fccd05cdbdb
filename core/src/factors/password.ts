import * as crypto from 'node:crypto'
import type { Random } from '../clock.ts'
import { type Fault, SallyportError } from '../errors.ts'

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
  const hash =
    options.scheme === 'argon2id'
      ? await argon2id({ password, salt, ...argon2 })
      : await pbkdf2({ password, salt, iterations: pbkdf2Iterations })
  return `${prefixOf(options.scheme)}${base64(salt)}$${base64(hash)}`
}

/** Whether `password` is the one hashed in `phc`. Throws `invalid_input` when that is no hash of ours. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const [, scheme, ...parts] = phc.split('$')
  const [salt, expected] = parts.slice(-2).map((part) => Buffer.from(part, 'base64'))
  const parameters = new Map(parts.slice(0, -2).flatMap((part) => part.split(',').map(splitParameter)))
  const parameter = (name: string) => Number(parameters.get(name))
  if (!salt?.length || expected?.length !== hashLength) throw unknownHash()
  const actual =
    scheme === 'argon2id'
      ? await argon2id({
          password,
          salt,
          memory: parameter('m'),
          passes: parameter('t'),
          parallelism: parameter('p'),
        })
      : scheme === 'pbkdf2-sha256'
        ? await pbkdf2({ password, salt, iterations: parameter('i') })
        : null
  if (!actual) throw unknownHash()
  return crypto.timingSafeEqual(actual, expected)
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

function argon2id(work: {
  password: string
  salt: Uint8Array
  memory: number
  passes: number
  parallelism: number
}): Promise<Buffer> {
  const { password, salt, memory, passes, parallelism } = work
  const parameters = { message: password, nonce: salt, parallelism, tagLength: hashLength, memory, passes }
  return new Promise((resolve, reject) => {
    crypto.argon2('argon2id', parameters, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
}

function pbkdf2(work: { password: string; salt: Uint8Array; iterations: number }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    crypto.pbkdf2(work.password, work.salt, work.iterations, hashLength, 'sha256', (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}

function splitParameter(text: string): [string, string] {
  const [name = '', value = ''] = text.split('=')
  return [name, value]
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

function unknownHash(): SallyportError {
  return new SallyportError('invalid_input', 'the stored password hash is of no kind that is known here')
}
