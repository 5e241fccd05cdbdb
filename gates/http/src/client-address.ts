import { type AddressRange, formatAddress, inRange, parseAddress, parseRange } from '@sallyport/core'
import type { GateContext } from './context.ts'

export type ClientAddress = (context: GateContext) => string

/** What stands for an address that cannot be known, as on a Unix socket. */
const unknownAddress = 'unknown'

/**
 * Where a request comes from: the socket's address, or behind trusted proxies the last address in
 * `X-Forwarded-For` that is no such proxy. What anybody else writes into that header is not looked at.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = trustedProxies
    .map((text) => parseRange(text))
    .filter((range): range is AddressRange => range !== null)
  const isTrusted = (text: string) => {
    const address = parseAddress(text)
    return address !== null && trusted.some((range) => inRange(address, range))
  }
  return (context) => {
    const socket = spell(context.env?.incoming?.socket?.remoteAddress)
    if (trusted.length === 0 || !isTrusted(socket)) return socket
    const hops = (context.req.header('x-forwarded-for') ?? '').split(',').map((hop) => spell(hop.trim()))
    return hops.findLast((hop) => hop !== unknownAddress && !isTrusted(hop)) ?? socket
  }
}

/** The one spelling of an address: IPv4-mapped IPv6 is IPv4, IPv6 as RFC 5952 writes it. */
function spell(text: string | undefined): string {
  const address = text === undefined ? null : parseAddress(text.replace(/%.*$/, ''))
  return address === null ? unknownAddress : formatAddress(address)
}
