import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { SecureHeadersVariables } from 'hono/secure-headers'

export interface GateEnv {
  Bindings: HttpBindings
  /**
   * `address`: where the request comes from, settled before anything else. `byKey`: whether the request was
   * admitted with an API key.
   */
  Variables: SecureHeadersVariables & { address: string; byKey?: boolean }
}
export type GateContext = Context<GateEnv>
export type GateApp = Hono<GateEnv>
