import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { SallyportError } from '@sallyport/core'
import type { Route } from '@sallyport/protocol'
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { createAccess } from './access.ts'
import { createAddressGuard } from './address-guard.ts'
import { registerAdmin } from './admin/admin-api.ts'
import { type Binder, createBinder } from './bind.ts'
import { createClientAddress } from './client-address.ts'
import type { GateApp } from './context.ts'
import { createHotAnswers, type HotAnswers } from './hot-answers.ts'
import { createKeyCalls } from './key-calls.ts'
import { registerFactors } from './login/factor-calls.ts'
import { registerInvitations } from './login/invitation-calls.ts'
import { registerPasswords } from './login/password-calls.ts'
import { registerSessions } from './login/session-calls.ts'
import { registerSignIn } from './login/sign-in-calls.ts'
import { registerWebauthn } from './login/webauthn-calls.ts'
import { registerYubikey } from './login/yubikey-call.ts'
import { createMetrics } from './metrics.ts'
import { registerOperator } from './operator.ts'
import { isForOtherSites, pageHeaders, registerPages, wantsPage } from './pages.ts'
import { answerRefusal, Refusal, refusalOf } from './refusal.ts'
import { registerAnalyze } from './security/analyze-call.ts'
import { registerSecurity } from './security/security-api.ts'
import { registerService } from './service/service-api.ts'
import type { GateConfig, GateServices } from './services.ts'
import { createSessionMemory } from './session-memory.ts'
import { createSuspicionGuard } from './suspicion-guard.ts'
import { createTokens } from './tokens.ts'
import { registerValidation } from './validation-call.ts'

const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  // These three do not fall back to `default-src`.
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
}

export interface HttpGate {
  fetch: (request: Request) => Response | Promise<Response>
  /** Every method and path that is served, pages among them. */
  routes: readonly { method: string; path: string }[]
  /** Resolves with the address once the port is open; rejects when it cannot be opened. */
  listen(where: { host: string; port: number }): Promise<{ url: string; close(): Promise<void> }>
}

/** Assembles the gate: what every request passes first, then one surface after another. */
export function createHttpGate(config: GateConfig, services: GateServices): HttpGate {
  const { store, clock, log } = services
  const metrics = createMetrics(config.version, services.measures)
  const tokens = createTokens({ keys: services.signingKeys, issuer: config.issuer, clock })
  const memory = createSessionMemory({ store, tokens, clock })
  const cookiePrefix = config.secureCookies ? '__Host-' : ''
  const cookies = {
    access: `${cookiePrefix}sallyport`,
    refresh: `${cookiePrefix}sallyport-refresh`,
    device: `${cookiePrefix}sallyport-device`,
  }
  const access = createAccess({
    ...{ store, memory, sessions: services.sessions, cookieName: cookies.access },
    origin: new URL(config.publicUrl).origin,
  })
  const app: GateApp = new Hono()
  const guard = createAddressGuard({
    ...{ blocks: services.blocks, clock, metrics },
    clientAddress: createClientAddress({
      trustedProxies: config.trustedProxies,
      ...(services.onUntrustedProxy && { onUntrustedProxy: services.onUntrustedProxy }),
    }),
  })
  const hot = createHotAnswers({ memory, metrics, guard })

  app.use(hot.path, hot.learn)
  const common = { contentSecurityPolicy, xFrameOptions: 'DENY' }
  const headers = secureHeaders(common)
  const sharedHeaders = secureHeaders({ ...common, crossOriginResourcePolicy: 'cross-origin' })
  app.use((context, next) => {
    const { path } = context.req
    if (isForOtherSites(path)) return sharedHeaders(context, next)
    return config.pages !== null && wantsPage(context) ? pageHeaders(context, next) : headers(context, next)
  })
  app.use(async (context, next) => {
    const stop = metrics.started()
    await next()
    stop({ method: context.req.method, status: context.res.status })
  })
  app.use(guard.admit)

  const watcher = createSuspicionGuard(services.suspicion)
  app.use(watcher.watch)

  const bindTo = createBinder(app, {
    ...{ access, watchBody: watcher.watchBody },
    recordKeyCall: createKeyCalls({ store, clock }),
  })
  const served: Route[] = []
  const bind: Binder = (route, handler) => {
    served.push(route)
    bindTo(route, handler)
  }
  const login = { services, config, tokens, memory, access, cookies, guard }
  registerSignIn(bind, login)
  registerFactors(bind, login)
  registerWebauthn(bind, login)
  registerSessions(bind, login)
  registerPasswords(bind, login)
  registerInvitations(bind, login)
  registerYubikey(bind, login)
  registerService(bind, services, guard)
  registerAnalyze(bind, services)
  const streams = [registerSecurity(bind, { config, services, metrics, access }), registerAdmin(bind, login)]
  registerValidation(bind, services)
  const unknownPage = config.pages === null ? null : registerPages(app, config.pages)
  registerOperator(app, { config, services, metrics, tokens, served })
  refuseOtherMethods(app)

  app.notFound((context) => {
    if (unknownPage && wantsPage(context)) return unknownPage(context)
    const { method, path } = context.req
    return answerRefusal(
      context,
      new Refusal('not_found', `there is nothing at ${method} ${path.slice(0, 200)}`),
    )
  })
  app.onError((error, context) => {
    if (error instanceof SallyportError) return answerRefusal(context, refusalOf(error))
    log.error({ error }, 'unexpected error')
    return answerRefusal(context, new Refusal('internal', 'something went wrong here; it was logged'))
  })

  const stopStreams = () => {
    for (const stop of streams) stop()
  }
  const fetch = (request: Request) => app.fetch(request)
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  const stops = { onClosing: stopStreams, onClose: memory.stop }
  return { fetch, routes, listen: (where) => listen({ app, hot }, { ...where, ...stops }) }
}

/** Whatever is served at a path by some method is not unknown by another (RFC 9110, section 15.5.6). */
function refuseOtherMethods(app: GateApp): void {
  const byPath = Map.groupBy(
    app.routes.filter(({ method }) => method !== 'ALL'),
    ({ path }) => path,
  )
  for (const [path, routes] of byPath) {
    const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    const allow = [...new Set(methods)].sort().join(', ')
    app.all(path, (context) => {
      context.header('allow', allow)
      return answerRefusal(context, new Refusal('method_not_allowed', `this path takes ${allow}`))
    })
  }
}

function listen(
  { app, hot }: { app: GateApp; hot: HotAnswers },
  { host, port, ...stops }: { host: string; port: number; onClosing(): void; onClose(): void },
) {
  const framework = getRequestListener(app.fetch, { hostname: host })
  const server = createServer((request, response) => {
    if (!hot.answer(request, response)) void framework(request, response)
  })
  return new Promise<{ url: string; close(): Promise<void> }>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject)
      const { address, family, port: chosen } = server.address() as AddressInfo
      const name = family === 'IPv6' ? `[${address}]` : address
      const close = () => {
        stops.onClosing()
        return closeServer(server).finally(stops.onClose)
      }
      resolve({ url: `http://${name}:${chosen}`, close })
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    // Idle keep-alive connections would hold the process; those with a request in flight may finish it, and
    // are idle from then on.
    const sweep = setInterval(() => server.closeIdleConnections(), 50)
    server.close((error) => {
      clearInterval(sweep)
      if (error) reject(error)
      else resolve()
    })
  })
}
