import { type HttpBindings, serve } from '@hono/node-server'
import { SallyportError } from '@sallyport/core'
import { type ProblemCode, problem, problemContentType } from '@sallyport/protocol'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { createMetrics } from './metrics.ts'
import { welcomePage, welcomeStyle } from './welcome-page.ts'

const largestBody = 64 * 1024

export interface HttpGateOptions {
  version: string
  /** Named checks of what the gate needs to decide; each rejects when that part cannot do its work. */
  readiness: Readonly<Record<string, () => Promise<void>>>
  log: { error(facts: object, message: string): void }
}

export interface HttpGate {
  fetch: (request: Request) => Response | Promise<Response>
  /** Resolves with the address once the port is open; rejects when it cannot be opened. */
  listen(where: { host: string; port: number }): Promise<{ url: string; close(): Promise<void> }>
}

export function createHttpGate(options: HttpGateOptions): HttpGate {
  const metrics = createMetrics(options.version)
  const app = new Hono<{ Bindings: HttpBindings }>()

  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"], styleSrc: ["'self'"] } }))
  app.use(async (context, next) => {
    const stop = metrics.started()
    await next()
    stop({ method: context.req.method, status: context.res.status })
  })
  app.use(
    bodyLimit({
      maxSize: largestBody,
      onError: () => answer('payload_too_large', 'a request body has at most 64 KiB'),
    }),
  )

  app.get('/healthz', (context) => context.json({ status: 'alive', version: options.version }))
  app.get('/readyz', async (context) => {
    const names = Object.keys(options.readiness)
    const results = await Promise.allSettled(names.map((name) => options.readiness[name]!()))
    const failed = names.filter((_, index) => results[index]?.status === 'rejected')
    if (failed.length > 0) return answer('not_ready', `not able to work: ${failed.join(', ')}`)
    return context.json({ status: 'ready', checks: Object.fromEntries(names.map((name) => [name, 'ok'])) })
  })
  app.get('/metrics', async (context) =>
    context.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
  app.get('/welcome.css', (context) => context.text(welcomeStyle, 200, { 'content-type': 'text/css' }))
  app.get('/', (context) => context.html(welcomePage(options.version)))

  app.notFound((context) =>
    answer('not_found', `there is nothing at ${context.req.method} ${context.req.path}`),
  )
  app.onError((error) => {
    if (error instanceof SallyportError) return answer(error.code, error.message, error)
    options.log.error({ error }, 'unexpected error')
    return answer('internal', 'something went wrong here; it was logged')
  })

  return { fetch: (request) => app.fetch(request), listen: (where) => listen(app, where) }
}

function answer(code: ProblemCode, detail: string, error?: SallyportError): Response {
  const body = problem(code, detail, error?.faults)
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': problemContentType },
  })
}

function listen(app: Hono<{ Bindings: HttpBindings }>, where: { host: string; port: number }) {
  return new Promise<{ url: string; close(): Promise<void> }>((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: where.host, port: where.port }, (address) => {
      server.off('error', reject)
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
      resolve({ url: `http://${host}:${address.port}`, close: () => closeServer(server) })
    })
    server.once('error', reject)
  })
}

function closeServer(server: ReturnType<typeof serve>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    // Idle keep-alive connections would hold the process; those with a request in flight may finish it.
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  })
}
