import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { SecureHeadersVariables } from 'hono/secure-headers'

interface Environment {
  Bindings: HttpBindings
  Variables: SecureHeadersVariables
}

export type GateContext = Context<Environment>
export type GateApp = Hono<Environment>
