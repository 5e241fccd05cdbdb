import type { IncomingMessage } from 'node:http'
import { addressKey, formatAddress, inRange, parseAddress, parseRange } from '@sallyport/core'

/** Where a request comes from, in its one spelling. */
export type ClientAddress = (request: AddressedRequest) => string

/** What of a request says where it comes from: Node's own form of it. */
export type AddressedRequest = Pick<IncomingMessage, 'headers' | 'socket'>

/** What stands for an address that cannot be known, as on a Unix socket. */
const unknownAddress = 'unknown'
const mostHops = 32

export interface ClientAddressOptions {
  trustedProxies: readonly string[]
  /** Told of forwarding headers from a loopback socket that is not trusted: most likely a proxy that should be. */
  onUntrustedProxy?: (address: string) => void
}

/**
 * Where a request comes from: the socket's address, or behind trusted proxies the last address in
 * `X-Forwarded-For`, or else in `Forwarded` (RFC 7239), that is no such proxy. What anybody else writes into
 * those headers is not looked at. Where a proxy we trust does not say who called it, nobody else is believed.
 */
export function createClientAddress(options: ClientAddressOptions): ClientAddress {
  const { trustedProxies, onUntrustedProxy } = options
  const trusted = trustedProxies.flatMap((text) => parseRange(text) ?? [])
  const isTrusted = (text: string) => {
    const address = trusted.length === 0 ? null : parseAddress(text)
    return address !== null && trusted.some((range) => inRange(address, range))
  }

  return ({ headers, socket }) => {
    const from = spell(socket?.remoteAddress)
    const forwardedFor = headers['x-forwarded-for']
    const { forwarded } = headers
    if (forwardedFor === undefined && forwarded === undefined) return from
    if (!isTrusted(from)) {
      if (onUntrustedProxy && isLoopback(from)) onUntrustedProxy(from)
      return from
    }
    const hops = forwardedFor === undefined ? readForwarded(forwarded!) : String(forwardedFor).split(',')
    let nearest = from
    for (const hop of hops.slice(-mostHops).reverse()) {
      const address = spell(withoutPort(hop.trim()))
      if (address === unknownAddress) return nearest
      nearest = address
      if (!isTrusted(address)) return address
    }
    return nearest
  }
}

/** The `for` of each element: `for=192.0.2.60;proto=http, for="[2001:db8::17]:4711"`. */
function readForwarded(header: string): string[] {
  return header.split(',').map((element) => {
    const [, quoted, plain] = /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;"\s]*))/i.exec(element) ?? []
    return quoted ?? plain ?? ''
  })
}

/** Some proxies add the port, to IPv6 in brackets. */
function withoutPort(hop: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop) ?? []
  if (bracketed !== undefined) return bracketed
  return /^[\d.]+:\d{1,5}$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** The one spelling of an address: IPv4-mapped IPv6 is IPv4, IPv6 as RFC 5952 writes it. */
function spell(text: string | undefined): string {
  if (text === undefined) return unknownAddress
  const mapped = text.startsWith('::ffff:') ? text.slice(7) : text
  if (addressKey(mapped)?.family === 4) return mapped
  const address = parseAddress(text.replace(/%.*$/, ''))
  return address === null ? unknownAddress : formatAddress(address)
}
