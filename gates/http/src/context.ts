import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'

export type GateContext = Context<{ Bindings: HttpBindings }>
export type GateApp = Hono<{ Bindings: HttpBindings }>
