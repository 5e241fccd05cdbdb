import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { SallyportError } from '@sallyport/core'
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { createAccess } from './access.ts'
import { createBinder } from './bind.ts'
import { createClientAddress } from './client-address.ts'
import type { GateApp } from './context.ts'
import { createKeyCalls } from './key-calls.ts'
import { registerFactors } from './login/factor-calls.ts'
import { registerPasswords } from './login/password-calls.ts'
import { registerSessions } from './login/session-calls.ts'
import { registerSignIn } from './login/sign-in-calls.ts'
import { createMetrics } from './metrics.ts'
import { registerOperator } from './operator.ts'
import { answerRefusal, Refusal, refusalOf } from './refusal.ts'
import { registerService } from './service/service-api.ts'
import type { GateConfig, GateServices } from './services.ts'
import { createSessionMemory } from './session-memory.ts'
import { createTokens } from './tokens.ts'

export interface HttpGate {
  fetch: (request: Request) => Response | Promise<Response>
  /** Resolves with the address once the port is open; rejects when it cannot be opened. */
  listen(where: { host: string; port: number }): Promise<{ url: string; close(): Promise<void> }>
}

/** Assembles the gate: what every request passes first, then one surface after another. */
export function createHttpGate(config: GateConfig, services: GateServices): HttpGate {
  const { store, clock, log } = services
  const metrics = createMetrics(config.version)
  const tokens = createTokens({ keys: services.signingKeys, issuer: config.issuer, clock })
  const memory = createSessionMemory({ store, tokens, clock })
  const cookiePrefix = config.secureCookies ? '__Host-' : ''
  const cookies = { access: `${cookiePrefix}sallyport`, refresh: `${cookiePrefix}sallyport-refresh` }
  const access = createAccess({ store, memory, sessions: services.sessions, cookieName: cookies.access })
  const app: GateApp = new Hono()

  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"], styleSrc: ["'self'"] } }))
  app.use(async (context, next) => {
    const stop = metrics.started()
    await next()
    stop({ method: context.req.method, status: context.res.status })
  })

  const bind = createBinder(app, {
    access,
    clientAddress: createClientAddress(config.trustedProxies),
    recordKeyCall: createKeyCalls({ store, clock }),
  })
  const login = { services, config, tokens, memory, access, cookies }
  registerSignIn(bind, login)
  registerFactors(bind, login)
  registerSessions(bind, login)
  registerPasswords(bind, login)
  registerService(bind, services)
  registerOperator(app, { config, services, metrics, tokens })

  app.notFound((context) =>
    answerRefusal(
      new Refusal('not_found', `there is nothing at ${context.req.method} ${context.req.path.slice(0, 200)}`),
    ),
  )
  app.onError((error) => {
    if (error instanceof SallyportError) return answerRefusal(refusalOf(error))
    log.error({ error }, 'unexpected error')
    return answerRefusal(new Refusal('internal', 'something went wrong here; it was logged'))
  })

  const fetch = (request: Request) => app.fetch(request)
  return { fetch, listen: (where) => listen(app, { ...where, onClose: memory.stop }) }
}

function listen(app: GateApp, where: { host: string; port: number; onClose(): void }) {
  return new Promise<{ url: string; close(): Promise<void> }>((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: where.host, port: where.port }, (address) => {
      server.off('error', reject)
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
      const close = () => closeServer(server as Server).finally(where.onClose)
      resolve({ url: `http://${host}:${address.port}`, close })
    })
    server.once('error', reject)
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    // Idle keep-alive connections would hold the process; those with a request in flight may finish it.
    server.closeIdleConnections()
  })
}
