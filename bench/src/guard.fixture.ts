import { createAddressView } from '@sallyport/core'
import { createClientAddress } from '../../gates/http/src/client-address.ts'

/** All that the guard does at a request that passes: where it comes from behind a proxy, and whether it is blocked. */
export function openGuard(blocked: readonly string[]) {
  const clientAddress = createClientAddress({ trustedProxies: ['10.0.0.0/8'] })
  const view = createAddressView({ exempt: ['10.0.0.0/8'], tracked: 1_000, seed: 1 })
  for (const range of blocked) {
    view.apply({
      ...{ id: range, range, kind: 'manual', reason: '', by: '', blockedAt: 0, blockedUntil: 2 ** 50 },
      ...{ unblockedAt: null, autoUnblocked: false },
    })
  }
  const socket = { remoteAddress: '::ffff:10.0.0.1' }
  return (forwardedFor: string) => {
    const request = { socket, headers: { 'x-forwarded-for': forwardedFor } }
    return view.find(clientAddress(request as never), 1_000) !== null
  }
}
