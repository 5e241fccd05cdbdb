import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'

export interface GateEnv {
  Bindings: HttpBindings
  /** `address`: where the request comes from, settled before anything else. */
  Variables: { address: string }
}
export type GateContext = Context<GateEnv>
export type GateApp = Hono<GateEnv>
