import { createDecipheriv, hash, timingSafeEqual } from 'node:crypto'
import type { Spend } from '../factors/factor.ts'
import { decodeModhex } from './modhex.ts'

/** What a YubiKey typed: who it says it is, and what only its key opens. */
export interface YubikeyOtp {
  /** The one spelling: a key with Caps Lock on types capitals. */
  text: string
  publicId: string
  block: Uint8Array
}

/** What was in the block (YubiKey Manual, section 6.1). */
export interface OtpFields {
  /** Rises each time the key is plugged in and used; kept by it without power. */
  usageCounter: number
  /** Rises with each touch since then. */
  sessionUse: number
  /** An eighth of a second each, from a random start. */
  timestamp: number
}

export const privateIdBytes = 6
export const aesKeyBytes = 16

const blockLetters = 32
/** Six bytes, as every key has it from the factory; it is what makes an OTP of 44 letters. */
const publicIdLetters = 12

/** Reads an OTP of 44 letters, whatever their case; `null` for anything else. */
export function parseOtp(input: unknown): YubikeyOtp | null {
  if (typeof input !== 'string' || input.length !== publicIdLetters + blockLetters) return null
  const bytes = decodeModhex(input)
  if (!bytes) return null
  const text = input.toLowerCase()
  return { text, publicId: text.slice(0, publicIdLetters), block: bytes.subarray(-blockLetters / 2) }
}

export function isPublicId(text: string): boolean {
  return text.length === publicIdLetters && decodeModhex(text) !== null && text === text.toLowerCase()
}

/** Opens a block by the key's secret, private id and AES key in a row; `null` when it is not of that key. */
export function openBlock(block: Uint8Array, secret: Uint8Array): OtpFields | null {
  const privateId = secret.subarray(0, privateIdBytes)
  const decipher = createDecipheriv('aes-128-ecb', secret.subarray(privateIdBytes), null)
  decipher.setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(block), decipher.final()])
  const own = timingSafeEqual(plain.subarray(0, privateIdBytes), privateId)
  if (crc16(plain) !== crcResidue || !own) return null
  return {
    // The highest bit of the two bytes is a flag of old keys.
    usageCounter: plain.readUInt16LE(6) & 0x7fff,
    timestamp: plain.readUIntLE(8, 3),
    sessionUse: plain.readUInt8(11),
  }
}

/** Both counters as the one number that has to rise. */
export function counterOf({ usageCounter, sessionUse }: OtpFields): number {
  return usageCounter * 256 + sessionUse
}

/** An accepted OTP is used up by its own text too, so that it stays so when the validator is changed. */
export function spendOf({ text }: YubikeyOtp): Spend {
  return { kind: 'once', key: `yubikey:${hash('sha256', text, 'hex')}` }
}

const crcResidue = 0xf0b8

/** The CRC-16 of ISO/IEC 13239, without its last inversion. Over data and their own CRC it is the residue. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1
  }
  return crc
}
