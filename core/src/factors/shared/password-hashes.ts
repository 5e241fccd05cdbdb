import * as crypto from 'node:crypto'
import { SallyportError } from '../../errors.ts'

/** Whether this is the password of a bcrypt hash. It takes a package, so it is handed in. */
export type BcryptCheck = (password: Uint8Array, hash: string) => Promise<boolean>

/** A slow derivation and all that it costs. */
export type Derivation =
  | { scheme: 'argon2id' | 'argon2i'; memory: number; passes: number; parallelism: number }
  | { scheme: 'scrypt'; cost: number; blockSize: number; parallelization: number }
  | { scheme: 'pbkdf2'; digest: Digest; iterations: number }

type Digest = 'sha1' | 'sha256' | 'sha512'

export type PasswordHash =
  | { kind: 'derived'; derivation: Derivation; salt: Uint8Array; expected: Uint8Array }
  /** `prepare`: what bcrypt is given of a password. */
  | { kind: 'bcrypt'; hash: string; cost: number; whole: boolean; prepare(password: string): Uint8Array }

/** The most that a stored hash may cost to check, so that nobody's file makes a sign-in a matter of minutes. */
const most = {
  bcryptCost: 15,
  /** KiB, and KiB over all passes: what libsodium calls moderate takes 3 passes over this much. */
  argon2Memory: 262_144,
  argon2Work: 2_097_152,
  scryptMemory: 256 * 1024 * 1024,
  scryptWork: 1 << 23,
  pbkdf2Iterations: 5_000_000,
}
const shortestHash = 16
const longestHash = 128
/** bcrypt reads no more of a password than this. */
const bcryptBytes = 72

/**
 * Reads a hash as it is kept here or by others: PHC strings, crypt(3), Django and Passlib. Throws
 * `invalid_input`, without a word of the hash, for one that is of no known kind or costs too much to check.
 */
export function parsePasswordHash(text: string): PasswordHash {
  for (const { pattern, read } of spellings) {
    const parts = text.length <= 1024 ? pattern.exec(text) : null
    if (!parts) continue
    const hash = read(parts.slice(1))
    if (hash.kind === 'derived') checkDerived(hash)
    else if (hash.cost < 4 || hash.cost > most.bcryptCost) {
      throw unusable(`its bcrypt cost is ${hash.cost}, and must be 4 to ${most.bcryptCost}`)
    }
    return hash
  }
  throw unusable('it is of no kind that is known here')
}

export async function matchesHash(
  password: string,
  hash: PasswordHash,
  bcrypt?: BcryptCheck,
): Promise<boolean> {
  if (hash.kind === 'derived') {
    const { derivation, salt, expected } = hash
    return crypto.timingSafeEqual(
      await derive(derivation, { password, salt, length: expected.length }),
      expected,
    )
  }
  if (!bcrypt) throw unusable('bcrypt is not to be had here')
  return bcrypt(hash.prepare(password), hash.hash)
}

/**
 * Whether the scheme looked at all of the password. What bcrypt leaves out may have been mistyped, and must not
 * become part of a hash that looks at everything.
 */
export function readsWhole(password: string, hash: PasswordHash): boolean {
  if (hash.kind === 'derived' || hash.whole) return true
  return hash.prepare(password).length === Buffer.byteLength(password)
}

/** Off the event loop. */
export function derive(
  derivation: Derivation,
  input: { password: string; salt: Uint8Array; length: number },
): Promise<Buffer> {
  const { password, salt, length } = input
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, hash: Buffer) => (error ? reject(error) : resolve(hash))
    if (derivation.scheme === 'pbkdf2') {
      crypto.pbkdf2(password, salt, derivation.iterations, length, derivation.digest, done)
    } else if (derivation.scheme === 'scrypt') {
      const { cost, blockSize, parallelization } = derivation
      const maxmem = 2 * most.scryptMemory
      crypto.scrypt(password, salt, length, { cost, blockSize, parallelization, maxmem }, done)
    } else {
      const { scheme, ...parameters } = derivation
      crypto.argon2(scheme, { message: password, nonce: salt, tagLength: length, ...parameters }, done)
    }
  })
}

const base64Text = '([A-Za-z0-9+/]+=*)'
const passlibText = '([A-Za-z0-9./]+)'
const cryptDigits = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bcryptDigits = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const digit = '[./A-Za-z0-9]'

const spellings: readonly { pattern: RegExp; read(parts: string[]): PasswordHash }[] = [
  {
    // PHC; Django puts the name of its hasher before it
    pattern: shape`(?:argon2)?\$(argon2id?)\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$${base64Text}\$${base64Text}`,
    read([scheme, memory, passes, parallelism, salt, hash]) {
      const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
      const derivation = { scheme: scheme as 'argon2id' | 'argon2i', ...cost }
      return derived(derivation, fromBase64(salt!), fromBase64(hash!))
    },
  },
  {
    // PHC
    pattern: shape`\$pbkdf2-(sha1|sha256|sha512)\$i=(\d+)(?:,l=\d+)?\$${base64Text}\$${base64Text}`,
    read: ([digest, rounds, salt, hash]) =>
      derived(pbkdf2(digest, rounds), fromBase64(salt!), fromBase64(hash!)),
  },
  {
    // Passlib
    pattern: shape`\$pbkdf2(?:-(sha256|sha512))?\$(\d+)\$${passlibText}\$${passlibText}`,
    read: ([digest = 'sha1', rounds, salt, hash]) =>
      derived(
        pbkdf2(digest, rounds),
        fromBase64(salt!.replaceAll('.', '+')),
        fromBase64(hash!.replaceAll('.', '+')),
      ),
  },
  {
    // Django: the salt is text
    pattern: shape`pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$${base64Text}`,
    read: ([digest, rounds, salt, hash]) =>
      derived(pbkdf2(digest, rounds), Buffer.from(salt!), fromBase64(hash!)),
  },
  {
    // PHC and Passlib: the cost is a power of two
    pattern: shape`\$scrypt\$ln=(\d{1,2}),r=(\d+),p=(\d+)\$${base64Text}\$${base64Text}`,
    read: ([log, r, p, salt, hash]) =>
      derived(scrypt(2 ** Number(log), r, p), fromBase64(salt!), fromBase64(hash!)),
  },
  {
    // Django
    pattern: shape`scrypt\$(\d+)\$([^$]+)\$(\d+)\$(\d+)\$${base64Text}`,
    read: ([cost, salt, r, p, hash]) =>
      derived(scrypt(Number(cost), r, p), Buffer.from(salt!), fromBase64(hash!)),
  },
  {
    // crypt(5): N, r and p and the hash in its own digits, least significant first; the salt is text
    pattern: shape`\$7\$(${digit})(${digit}{5})(${digit}{5})([^$]+)\$(${digit}{43})`,
    read: ([log, r, p, salt, hash]) => {
      const cost = 2 ** cryptNumber(log!)
      return derived(scrypt(cost, cryptNumber(r!), cryptNumber(p!)), Buffer.from(salt!), cryptBytes(hash!))
    },
  },
  {
    // crypt(5); Django puts the name of its hasher before it
    pattern: shape`(?:bcrypt\$)?(\$2[aby]\$\d\d\$${digit}{53})`,
    read: ([hash]) =>
      bcrypted(hash!, { whole: false }, (password) => {
        const bytes = Buffer.from(password)
        const end = bytes.indexOf(0)
        return bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, bcryptBytes))
      }),
  },
  {
    // Django: of the hexadecimal SHA-256
    pattern: shape`bcrypt_sha256\$(\$2[aby]\$\d\d\$${digit}{53})`,
    read: ([hash]) => prehashed(hash!, (password) => crypto.hash('sha256', password, 'hex')),
  },
  {
    // Passlib, version 2: of the HMAC-SHA256 under the salt, in Base64
    pattern: shape`\$bcrypt-sha256\$v=2,t=(2[aby]),r=(\d\d?)\$(${digit}{22})\$(${digit}{31})`,
    read: ([version, cost, salt, hash]) =>
      prehashed(`$${version}$${cost!.padStart(2, '0')}$${salt}${hash}`, (password) =>
        crypto.createHmac('sha256', salt!).update(password).digest('base64'),
      ),
  },
  {
    // Passlib, version 1: of the SHA-256 in Base64
    pattern: shape`\$bcrypt-sha256\$(2[aby]),(\d\d?)\$(${digit}{22})\$(${digit}{31})`,
    read: ([version, cost, salt, hash]) =>
      prehashed(`$${version}$${cost!.padStart(2, '0')}$${salt}${hash}`, (password) =>
        crypto.hash('sha256', password, 'base64'),
      ),
  },
]

function shape(text: TemplateStringsArray, ...parts: string[]): RegExp {
  return new RegExp(`^${String.raw(text, ...parts)}$`)
}

function derived(derivation: Derivation, salt: Uint8Array, expected: Uint8Array): PasswordHash {
  return { kind: 'derived', derivation, salt, expected }
}

function prehashed(hash: string, digest: (password: string) => string): PasswordHash {
  return bcrypted(hash, { whole: true }, (password) => Buffer.from(digest(password)))
}

/** Some writers left bits in the last digits of salt and hash that stand for nothing; verifiers want them clear. */
function bcrypted(
  text: string,
  { whole }: { whole: boolean },
  prepare: (password: string) => Uint8Array,
): PasswordHash {
  const clear = (at: number, mask: number) => bcryptDigits[bcryptDigits.indexOf(text[at]!) & mask]
  const hash = `${text.slice(0, 28)}${clear(28, 0b110000)}${text.slice(29, 59)}${clear(59, 0b111100)}`
  return { kind: 'bcrypt', hash, cost: Number(text.slice(4, 6)), whole, prepare }
}

function pbkdf2(digest: string | undefined, rounds: string | undefined): Derivation {
  return { scheme: 'pbkdf2', digest: digest as Digest, iterations: Number(rounds) }
}

function scrypt(cost: number, r: string | number | undefined, p: string | number | undefined): Derivation {
  return { scheme: 'scrypt', cost, blockSize: Number(r), parallelization: Number(p) }
}

function checkDerived({ derivation, expected }: PasswordHash & { kind: 'derived' }): void {
  const length = expected.length
  if (length < shortestHash || length > longestHash) {
    throw unusable(`it has ${length} bytes, and must have ${shortestHash} to ${longestHash}`)
  }
  const affordable =
    derivation.scheme === 'pbkdf2'
      ? affordsPbkdf2(derivation, length)
      : derivation.scheme === 'scrypt'
        ? affordsScrypt(derivation)
        : affordsArgon2(derivation)
  if (!affordable) throw unusable(`its ${derivation.scheme} parameters are out of bounds`)
}

function affordsPbkdf2({ digest, iterations }: Derivation & { scheme: 'pbkdf2' }, length: number): boolean {
  // RFC 8018, section 5.2: every block of the output costs all the iterations
  const blocks = Math.ceil(length / { sha1: 20, sha256: 32, sha512: 64 }[digest])
  return iterations >= 1 && iterations * blocks <= most.pbkdf2Iterations
}

function affordsScrypt(work: Derivation & { scheme: 'scrypt' }): boolean {
  const { cost, blockSize: r, parallelization: p } = work
  const power = cost > 1 && Number.isInteger(Math.log2(cost))
  return power && r >= 1 && p >= 1 && 128 * cost * r <= most.scryptMemory && cost * r * p <= most.scryptWork
}

function affordsArgon2(work: Derivation & { scheme: 'argon2id' | 'argon2i' }): boolean {
  const { memory, passes, parallelism } = work
  // RFC 9106, section 3.1
  const defined = parallelism >= 1 && passes >= 1 && memory >= 8 * parallelism
  return defined && memory <= most.argon2Memory && memory * passes <= most.argon2Work
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

function cryptNumber(text: string): number {
  return [...text].reduce((sum, digit, place) => sum + cryptDigits.indexOf(digit) * 64 ** place, 0)
}

function cryptBytes(text: string): Uint8Array {
  const groups = text.match(/.{1,4}/g)!
  return Buffer.concat(
    groups.map((group) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(cryptNumber(group))
      return bytes.subarray(0, Math.floor((group.length * 6) / 8))
    }),
  )
}

function unusable(reason: string): SallyportError {
  return new SallyportError('invalid_input', `the password hash cannot be used: ${reason}`)
}
