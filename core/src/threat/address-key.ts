import { type AddressRange, parseAddress } from '../address.ts'

/** The network that stands for a host: an IPv4 address in `low`, or the first 64 bits of an IPv6 one. */
export interface AddressKey {
  readonly family: 4 | 6
  readonly high: number
  readonly low: number
}

const [zero, nine, dot] = [48, 57, 46]

/** Read at every request, so dotted IPv4 takes a way without regular expressions and big integers. */
export function addressKey(text: string): AddressKey | null {
  let value = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= zero && code <= nine) {
      if (digits > 0 && part === 0) return otherKey(text)
      part = part * 10 + code - zero
      if (part > 255) return otherKey(text)
      digits++
    } else if (code === dot && digits > 0 && dots < 3) {
      value = value * 256 + part
      part = digits = 0
      dots++
    } else return otherKey(text)
  }
  return dots === 3 && digits > 0 ? { family: 4, high: 0, low: value * 256 + part } : null
}

function otherKey(text: string): AddressKey | null {
  const address = parseAddress(text)
  return address && keyOf(address)
}

/** The key of an address, or of a range's first address. */
export function keyOf({ family, value }: Pick<AddressRange, 'family' | 'value'>): AddressKey {
  const bits = family === 4 ? value : value >> 64n
  return { family, high: Number(bits >> 32n), low: Number(bits & 0xffff_ffffn) }
}

/** How many bits of a key the range leaves open: none for a single host. */
export function keyPrefix({ family, prefix }: AddressRange): number {
  return family === 4 ? prefix : Math.min(prefix, 64)
}
