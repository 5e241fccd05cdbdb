import type { IncomingMessage } from 'node:http'
import type { Blocks, Clock } from '@sallyport/core'
import type { MiddlewareHandler } from 'hono'
import type { AddressedRequest, ClientAddress } from './client-address.ts'
import type { GateEnv } from './context.ts'
import type { Metrics } from './metrics.ts'
import { answerRefusal, type Refusal, refuseUntil } from './refusal.ts'

/** What every request passes first: whether its address is blocked, which memory answers. */
export interface AddressGuard {
  /** Settles where a request comes from, and refuses those that a person blocked, on every surface. */
  readonly admit: MiddlewareHandler<GateEnv>
  /** Whether a request on the shorter way has to go the long one, to be refused there. */
  stops(request: IncomingMessage): boolean
  /** For new sign-ins and guesses, which the guard's own blocks refuse as well; `null` lets them through. */
  refuseGuess(address: string): Refusal | null
}

export function createAddressGuard(options: {
  blocks: Pick<Blocks, 'find'>
  clock: Clock
  clientAddress: ClientAddress
  metrics: Pick<Metrics, 'blocked'>
}): AddressGuard {
  const { blocks, clock, clientAddress, metrics } = options

  function refuse(address: string, which: 'all' | 'manual'): Refusal | null {
    const found = blocks.find(address)
    if (!found || (which === 'manual' && found.kind !== 'manual')) return null
    metrics.blocked(found.kind)
    const detail =
      found.kind === 'manual'
        ? 'this address is blocked'
        : 'signing in from this address is blocked for a while'
    return refuseUntil('ip_blocked', detail, { until: found.until, now: clock.now() })
  }

  return {
    async admit(context, next) {
      const incoming = context.env?.incoming as AddressedRequest | undefined
      const address = incoming ? clientAddress(incoming) : 'unknown'
      context.set('address', address)
      const refusal = refuse(address, 'manual')
      if (refusal) return answerRefusal(context, refusal)
      await next()
    },
    stops: (request) => blocks.find(clientAddress(request))?.kind === 'manual',
    refuseGuess: (address) => refuse(address, 'all'),
  }
}
