import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
} from 'node:crypto'
import { type Random, SallyportError } from '@sallyport/core'
import { agreeX25519, asX25519, newX25519, parseX25519, rawX25519, x25519Of, x25519Text } from '../x25519.ts'
import type { OpenBody, Seal } from './block.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG_BYTES = 16
const KEY_BYTES = 32

/** The session's key as one auditor can open it, and nobody else: not the shim either, once it is closed. */
export interface WrappedSessionKey {
  /** The auditor's public key, on one line. */
  auditor: string
  /** The public half of a key pair that was used once. */
  ephemeral: string
  wrapped: string
}

export interface AuditorKeyPair {
  privateKeyPem: string
  /** `x25519:…`, as `storage.auditor_keys` takes it. */
  publicKey: string
}

export function generateAuditorKey(random: Random): AuditorKeyPair {
  const privateKey = newX25519(random)
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: x25519Text(createPublicKey(privateKey)),
  }
}

/** Takes the one-line form and PEM. */
export function parseAuditorKey(text: string): KeyObject {
  const key = parseX25519(text)
  if (key === null) throw new SallyportError('invalid_input', 'is no X25519 public key of an auditor')
  return key
}

export function parseAuditorPrivateKey(pem: string): KeyObject {
  const key = asX25519(() => createPrivateKey(pem))
  if (key === null) throw new SallyportError('invalid_input', 'is no X25519 private key of an auditor')
  return key
}

export interface WrapOptions {
  sessionKey: Uint8Array
  session: string
  auditor: KeyObject
  random: Random
}

export function wrapSessionKey({ sessionKey, session, auditor, random }: WrapOptions): WrappedSessionKey {
  const ephemeral = newX25519(random)
  const key = wrappingKey({ own: ephemeral, other: auditor, ephemeral, auditor })
  // A key that wraps once needs no nonce that differs.
  const cipher = createCipheriv(ALGORITHM, key, Buffer.alloc(12), { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(session))
  const wrapped = Buffer.concat([cipher.update(sessionKey), cipher.final(), cipher.getAuthTag()])
  return {
    auditor: x25519Text(auditor),
    ephemeral: rawX25519(ephemeral).toString('base64url'),
    wrapped: wrapped.toString('base64url'),
  }
}

export interface UnwrapOptions {
  recipients: readonly WrappedSessionKey[]
  session: string
  privateKey: KeyObject
}

/** `null` when the recording was not sealed for that auditor. */
export function unwrapSessionKey({ recipients, session, privateKey }: UnwrapOptions): KeyObject | null {
  const auditor = createPublicKey(privateKey)
  const own = recipients.find((one) => one.auditor === x25519Text(auditor))
  if (own === undefined) return null
  const wrapped = Buffer.from(own.wrapped, 'base64url')
  if (wrapped.length !== KEY_BYTES + TAG_BYTES) return null
  try {
    const ephemeral = x25519Of(Buffer.from(own.ephemeral, 'base64url'))
    const key = wrappingKey({ own: privateKey, other: ephemeral, ephemeral, auditor })
    const opened = open({ key, nonce: Buffer.alloc(12), aad: Buffer.from(session), sealed: wrapped })
    return opened === null ? null : createSecretKey(opened)
  } catch {
    return null
  }
}

/**
 * Seals bodies of one session. The serial in a prefix is the nonce, so no nonce is used twice. Making a cipher
 * takes longer than using it, and longest on a machine that has just woken up: so one may be made beforehand.
 */
export function createSeal(sessionKey: Uint8Array): Seal {
  const key = createSecretKey(sessionKey)
  // A cipher copies its nonce, so one buffer serves them all: four zero bytes and the serial.
  const nonce = Buffer.alloc(12)
  const cipherFor = (serial: number) => {
    nonce.writeBigUInt64BE(BigInt(serial), 4)
    return createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  }
  let prepared: { serial: number; cipher: CipherGCM } | null = null
  const seal = ({ serial, prefix, body }: OpenBody, into: Uint8Array): void => {
    const cipher = prepared?.serial === serial ? prepared.cipher : cipherFor(serial)
    prepared = null
    cipher.setAAD(prefix)
    into.set(cipher.update(body))
    cipher.final()
    into.set(cipher.getAuthTag(), body.length)
  }
  const prepare = (serial: number): void => {
    prepared = { serial, cipher: cipherFor(serial) }
  }
  return Object.assign(seal, { overhead: TAG_BYTES, prepare })
}

/** `null` when the body was not sealed with that key behind that prefix. */
export function openBody(key: KeyObject, prefix: Uint8Array, sealed: Uint8Array): Buffer | null {
  return open({ key, nonce: nonceOf(prefix), aad: prefix, sealed })
}

function open(box: { key: KeyObject; nonce: Buffer; aad: Uint8Array; sealed: Uint8Array }): Buffer | null {
  const tagAt = box.sealed.length - TAG_BYTES
  if (tagAt < 0) return null
  const decipher = createDecipheriv(ALGORITHM, box.key, box.nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(box.aad)
  decipher.setAuthTag(box.sealed.subarray(tagAt))
  const text = decipher.update(box.sealed.subarray(0, tagAt))
  try {
    decipher.final()
    return text
  } catch {
    return null
  }
}

function nonceOf(prefix: Uint8Array): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.set(prefix.subarray(8, 16), 4)
  return nonce
}

function wrappingKey(keys: {
  own: KeyObject
  other: KeyObject
  ephemeral: KeyObject
  auditor: KeyObject
}): KeyObject {
  const { auditor: recipient, ...pair } = keys
  return createSecretKey(agreeX25519({ ...pair, recipient, purpose: 'sallyport/recording-key/v1' }))
}
