/**
 * IP addresses and ranges, without Node's `net`. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the
 * IPv4 address it carries: one host has one address, however a socket or a header spells it.
 */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** All addresses of one family that share the first `prefix` bits; the bits after those are zero. */
export interface AddressRange extends Address {
  readonly prefix: number
}

const bits = { 4: 32, 6: 128 } as const
const mappedPrefix = 0xffffn << 32n

/** The address that `text` spells, or `null`. A link-local zone (`%eth0`) is accepted and dropped. */
export function parseAddress(text: string): Address | null {
  if (text.length > 64) return null
  const [, spelled, zone] = /^([^%]*)(%[\w.-]+)?$/.exec(text) ?? []
  if (spelled === undefined) return null
  if (!spelled.includes(':')) return zone === undefined ? parseIpv4(spelled) : null
  const value = parseIpv6(spelled)
  if (value === null) return null
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value }
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address; bits past the prefix are cleared. */
export function parseRange(text: string): AddressRange | null {
  const [, spelled, length] = /^([\d.:a-f]{1,45})(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? []
  const address = spelled === undefined ? null : parseAddress(spelled)
  if (spelled === undefined || address === null) return null
  if (length === undefined) return { ...address, prefix: bits[address.family] }
  if (address.family === 6 || !spelled.includes(':')) return range(address, Number(length))
  // A mapped range with at least the 96 bits of the mapping is an IPv4 range; a shorter one is IPv6.
  const prefix = Number(length)
  if (prefix >= 96) return range(address, prefix - 96)
  return range({ family: 6, value: mappedPrefix | address.value }, prefix)
}

export function inRange(address: Address, { family, value, prefix }: AddressRange): boolean {
  return address.family === family && clear(address.value, family, prefix) === value
}

/** The one spelling: dotted for IPv4, RFC 5952 for IPv6. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const spelled = groups.join(':')
  // The longest run of two or more zero groups, the first of equals.
  const runs = [...spelled.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)]
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), '')
  if (longest === '') return spelled
  const at = runs.find(([run]) => run === longest)!.index
  const before = spelled.slice(0, at).replace(/:$/, '')
  const after = spelled.slice(at + longest.length).replace(/^:/, '')
  return `${before}::${after}`
}

export function formatRange(shown: AddressRange): string {
  const address = formatAddress(shown)
  return shown.prefix === bits[shown.family] ? address : `${address}/${shown.prefix}`
}

/**
 * What stands for a host in limits: an IPv4 address, or the /64 of an IPv6 one, since whoever has one
 * address of a /64 has them all. What is no address stands for itself.
 */
export function networkOf(text: string): string {
  const address = parseAddress(text)
  if (!address) return text
  return address.family === 4 ? formatAddress(address) : formatRange(range(address, 64)!)
}

function range({ family, value }: Address, prefix: number): AddressRange | null {
  return prefix > bits[family] ? null : { family, value: clear(value, family, prefix), prefix }
}

function clear(value: bigint, family: 4 | 6, prefix: number): bigint {
  const rest = BigInt(bits[family] - prefix)
  return (value >> rest) << rest
}

/** Four decimal numbers without leading zeros, which some readers take for octal. */
function parseIpv4(text: string): Address | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null
  return { family: 4, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) }
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1))
  if (!head || tail === null) return null
  const missing = 8 - head.length - (tail?.length ?? 0)
  // "::" stands for at least one group (RFC 5952, 4.2.2 advises against exactly one, readers take it).
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...(tail ?? [])]
  return groups.reduce((value, group) => (value << 16n) | group, 0n)
}

/** The 16-bit groups of one side of "::"; the last two may be spelled as an IPv4 address. */
function parseGroups(half: string, last: boolean): bigint[] | null {
  if (half === '') return []
  const parts = half.split(':')
  const groups: bigint[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(BigInt(`0x${part}`))
      continue
    }
    const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : null
    if (ipv4 === null) return null
    groups.push(ipv4.value >> 16n, ipv4.value & 0xffffn)
  }
  return groups
}
