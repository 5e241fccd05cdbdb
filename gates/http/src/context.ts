import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { SecureHeadersVariables } from 'hono/secure-headers'

export interface GateEnv {
  Bindings: HttpBindings
  /** `address`: where the request comes from, settled before anything else. */
  Variables: SecureHeadersVariables & { address: string }
}
export type GateContext = Context<GateEnv>
export type GateApp = Hono<GateEnv>
