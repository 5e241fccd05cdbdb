import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { aesGcmOpen, aesGcmSeal, canonicalAlias, type Random, SallyportError } from '@sallyport/core'
import { z } from 'zod'
import { technicianId } from '../config/factor-config.ts'
import { base32Secret, label } from '../config/values.ts'
import { agreeX25519, newX25519, parseX25519, rawX25519, x25519Of, x25519Text } from '../x25519.ts'

/** The first line keeps the signature from meaning anything elsewhere. */
const firstLine = 'sallyport/technicians-bundle/v1'
const anyVersion = /^sallyport\/technicians-bundle\/v(\d{1,9})$/
/** Some five thousand technicians; a hostile file is not read to its end. */
export const largestBundle = 1024 * 1024
/** The sealed part is filled up to a multiple of it: its length says little of how many there are. */
const padding = 1024
/** A key that seals once needs no nonce that differs. */
const nonce = new Uint8Array(12)

/** As far as a date reaches (ECMA-262, section 21.4.1.1). */
const time = z.int().min(0).max(8.64e15)
const header = z.strictObject({
  device: z.string().min(1).max(64),
  /** The gate's public key: what is sealed opens for nobody else. */
  recipient: z.string().regex(/^x25519:[A-Za-z0-9_-]{43}$/),
  ephemeral: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  serial: z.int().min(1),
  issued_at: time,
  not_before: time,
  expires: time,
})

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
const factor = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('totp'),
    secret: base32Secret,
    algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']),
    period: z.int().min(15).max(120),
    digits: z.int().min(6).max(8),
  }),
  z.strictObject({
    type: z.literal('yubikey'),
    id: z.string().regex(/^[cbdefghijklnrtuv]{12}$/),
    private_id: hex(6),
    key: hex(16),
  }),
  z.strictObject({
    type: z.literal('backup'),
    hashes: z.string().regex(/^[A-Za-z0-9_-]{1,4096}$/),
    settings: z.strictObject({
      format: z.enum(['short', 'long', 'digits']),
      count: z.int().min(1).max(50),
      iterations: z.int().min(1).max(10_000_000),
      salt: z.string().max(64),
    }),
  }),
])

const technicians = z
  .array(z.strictObject({ id: technicianId, name: label.optional(), factors: z.array(factor).max(16) }))
  .max(10_000)
  .refine((people) => new Set(people.map(({ id }) => canonicalAlias(id))).size === people.length)

export type BundleHeader = z.infer<typeof header>
export type BundledTechnician = z.infer<typeof technicians>[number]

/** A bundle whose signature is right; who is in it is still sealed. */
export interface SignedBundle extends BundleHeader {
  sealed: Uint8Array
  /** What the sealed part is bound to: the line of the header. */
  bound: string
  /** Of the whole text: two bundles with one serial are told apart by it. */
  digest: string
}

/** An expected outcome: what a file holds that lies where anybody may have put it. */
export type BundleRead<T> = { status: 'good'; value: T } | { status: 'refused'; reason: string }

const refused = (reason: string) => ({ status: 'refused', reason }) as const

export interface SealBundleOptions {
  header: Omit<BundleHeader, 'recipient' | 'ephemeral'>
  technicians: readonly BundledTechnician[]
  recipient: KeyObject
  signingKey: KeyObject
  random: Random
}

/** A bundle as it is written to a file: four lines, the last of which signs the others. */
export function sealBundle(options: SealBundleOptions): string {
  const { technicians: people, recipient, signingKey, random } = options
  const ephemeral = newX25519(random)
  const whole: BundleHeader = {
    ...options.header,
    recipient: x25519Text(recipient),
    ephemeral: rawX25519(ephemeral).toString('base64url'),
  }
  const bound = encode(JSON.stringify(header.parse(whole)))
  const text = JSON.stringify({ technicians: technicians.parse(people) })
  const bytes = Buffer.byteLength(text)
  const plaintext = Buffer.alloc(Math.ceil(bytes / padding) * padding, ' ')
  plaintext.write(text)
  const key = agreeX25519({ own: ephemeral, other: recipient, ephemeral, recipient, purpose: firstLine })
  const sealed = aesGcmSeal({ key, nonce, aad: Buffer.from(bound), plaintext })
  const signed = `${firstLine}\n${bound}\n${sealed.toString('base64url')}\n`
  const bundle = `${signed}${sign(null, Buffer.from(signed), signingKey).toString('base64url')}\n`
  if (bundle.length <= largestBundle) return bundle
  throw new SallyportError(
    'invalid_input',
    `the bundle would be larger than ${largestBundle} bytes: fewer technicians`,
  )
}

/** Checks the signature, and reads what is not sealed. Nothing of a file is used before that. */
export function readSignedBundle(text: string, publicKey: KeyObject): BundleRead<SignedBundle> {
  if (text.length > largestBundle) return refused(`is larger than ${largestBundle} bytes`)
  const [first = '', bound = '', sealed = '', signature = '', rest, ...more] = text.split('\n', 6)
  const version = anyVersion.exec(first)?.[1]
  if (version === undefined) return refused('is no bundle of technicians')
  if (first !== firstLine)
    return refused(`is of version ${version}, which this gate does not read: update it`)
  const [sealedBytes, signatureBytes] = [decode(sealed), decode(signature)]
  if (rest !== '' || more.length > 0 || !sealedBytes || !signatureBytes)
    return refused('was cut off or altered: copy it again')
  const signed = Buffer.from(`${firstLine}\n${bound}\n${sealed}\n`)
  if (!verify(null, signed, publicKey, signatureBytes))
    return refused('is not signed by the key that `public_key` names, or was altered')
  const read = header.safeParse(parseJson(decode(bound)))
  if (!read.success) return refused('is signed, but its header has another form: made by another version?')
  return {
    status: 'good',
    value: { ...read.data, sealed: sealedBytes, bound, digest: hash('sha256', text) },
  }
}

/** Who is in it, for the gate that it was made for. */
export function openBundle(
  bundle: SignedBundle,
  { device, privateKey }: { device: string; privateKey: KeyObject },
): BundleRead<BundledTechnician[]> {
  if (bundle.device !== device) return refused(`was made for device ${bundle.device}, and this is ${device}`)
  const recipient = createPublicKey(privateKey)
  if (bundle.recipient !== x25519Text(recipient))
    return refused(
      'was made for another key of this device: make one from a new request (`shim bundle request`)',
    )
  const plaintext = open(bundle, { recipient, privateKey })
  const read = z.strictObject({ technicians }).safeParse(parseJson(plaintext))
  plaintext?.fill(0)
  return read.success
    ? { status: 'good', value: read.data.technicians }
    : refused('is signed, but what is sealed in it cannot be used: make it again')
}

function open(bundle: SignedBundle, keys: { recipient: KeyObject; privateKey: KeyObject }): Buffer | null {
  const { recipient, privateKey: own } = keys
  try {
    const ephemeral = x25519Of(Buffer.from(bundle.ephemeral, 'base64url'))
    const key = agreeX25519({ own, other: ephemeral, ephemeral, recipient, purpose: firstLine })
    return aesGcmOpen({ key, nonce, aad: Buffer.from(bundle.bound), sealed: bundle.sealed })
  } catch {
    // A public key of low order (RFC 7748, section 6.1).
    return null
  }
}

/** What a gate asks a bundle with: who it is, the key to seal for, how it reads codes. */
const request = z.strictObject({
  sallyport: z.literal('bundle request v1'),
  device: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  public_key: z.string().refine((text) => parseX25519(text) !== null && text.startsWith('x25519:')),
  totp: z.strictObject({
    algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']),
    period: z.int().min(15).max(120),
    digits: z.int().min(6).max(8),
    issuer: label,
  }),
})

export type BundleRequest = z.infer<typeof request>

/** What a person compares at both ends, so that nobody slips in a key of their own: 80 bits of the whole of it. */
export function requestFingerprint(asked: BundleRequest): string {
  const digest = hash('sha256', `sallyport/bundle-request/v1\n${JSON.stringify(request.parse(asked))}`)
  return digest.slice(0, 20).replaceAll(/(.{4})(?!$)/g, '$1-')
}

export function parseBundleRequest(text: string): BundleRequest | null {
  return request.safeParse(parseJson(Buffer.from(text))).data ?? null
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** Only the one spelling of the bytes. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return text !== '' && bytes.toString('base64url') === text ? bytes : null
}

function parseJson(bytes: Buffer | null): unknown {
  try {
    return bytes === null ? null : JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}
