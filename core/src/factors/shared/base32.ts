import { SallyportError } from '../../errors.ts'

/** RFC 4648, section 6. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Base32 without padding, which authenticator apps neither need nor always accept. */
export function encodeSecret(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}

/**
 * Reads a secret the way people copy it: any case, in groups parted by spaces or hyphens, padded or not.
 * Left-over bits are ignored, as authenticator apps do, so that both sides arrive at the same secret.
 */
export function decodeSecret(text: string): Uint8Array {
  const { symbols, padded } = split(text)
  // RFC 4648, section 6: 1, 3 and 6 symbols past a group of 8 stand for no whole byte more than fewer would
  if ([1, 3, 6].includes(symbols.length % 8)) {
    throw new SallyportError('invalid_input', `not Base32: ${symbols.length} symbols end amid a byte`)
  }
  if (padded > 6) throw new SallyportError('invalid_input', 'not Base32: more padding than a group can have')
  const bytes = new Uint8Array(Math.floor((symbols.length * 5) / 8))
  let held = 0
  let bits = 0
  let length = 0
  for (const symbol of symbols) {
    held = ((held << 5) | symbol) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = held >>> bits
    }
  }
  return bytes
}

function split(text: string): { symbols: number[]; padded: number } {
  const symbols: number[] = []
  let padded = 0
  for (let position = 0; position < text.length; position++) {
    const character = text[position]!
    if (character === ' ' || character === '-') continue
    if (character === '=') {
      padded++
      continue
    }
    // a character outside ASCII may have an ASCII upper case (U+0131, U+017F), and is still not Base32
    const symbol = character < '\x80' ? alphabet.indexOf(character.toUpperCase()) : -1
    if (symbol < 0 || padded > 0) {
      throw new SallyportError('invalid_input', `not Base32 at position ${position + 1}`)
    }
    symbols.push(symbol)
  }
  return { symbols, padded }
}
