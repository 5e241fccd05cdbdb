import { timingSafeEqual } from 'node:crypto'
import { hmac } from '../hmac.ts'

/** Yubico's validation protocol, version 2.0: what a client and a server of it have in common. */
export type ValidationStatus =
  | 'OK'
  | 'BAD_OTP'
  | 'REPLAYED_OTP'
  | 'REPLAYED_REQUEST'
  | 'BAD_SIGNATURE'
  | 'MISSING_PARAMETER'
  | 'NO_SUCH_CLIENT'
  | 'BACKEND_ERROR'

export type ValidationFields = Readonly<Record<string, string>>

/** HMAC-SHA-1 in base64 over all fields but `h`, as `name=value`, by name, joined by `&`. */
export function validationSignature(fields: ValidationFields, key: Uint8Array): string {
  const pairs = Object.entries(fields).filter(([name]) => name !== 'h')
  const text = pairs
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('&')
  return hmac('sha1', key, Buffer.from(text)).toString('base64')
}

export function isSignedBy(fields: ValidationFields, key: Uint8Array): boolean {
  const [given, due] = [Buffer.from(fields.h ?? ''), Buffer.from(validationSignature(fields, key))]
  return given.length === due.length && timingSafeEqual(given, due)
}
