import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import * as z from 'zod'
import { type DemoEnv, keepBody } from './body.ts'
import { type ChainDemo, demoFactors, type Progress, type VerifyOutcome } from './chain-demo.ts'
import { addPage } from './page.ts'
import { problem } from './problem.ts'

const longestUser = 64

type DemoContext = Context<DemoEnv>

/** Any JSON number: the window is brought into its bounds, never refused for its size. */
const windowSchema = z.custom<number>((value) => typeof value === 'number', 'must be a number').optional()
const stepSchema = z.object({ factor_id: z.string(), user_input: z.string(), window: windowSchema })
const stepOfSessionSchema = z.object({ session_id: z.string(), ...stepSchema.shape })

export interface DemoAppOptions {
  demo: ChainDemo
  /** Gives out, to this machine alone, the code that would pass: for trying the demo without a phone. */
  debugCodes: boolean
}

export function createDemoApp({ demo, debugCodes }: DemoAppOptions) {
  const app = new Hono<DemoEnv>()

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false, // it is served without TLS, on this machine alone
    }),
  )
  app.use(async (context, next) => {
    await next()
    context.header('cache-control', 'no-store')
  })
  app.use(keepBody)

  addPage(app, { mode: demo.mode, debugCodes })

  app.post('/users/:user/factors/:factor/enroll', (context) => {
    const { user, factor: id } = context.req.param()
    const factor = demoFactors.find((known) => known.id === id)
    if (!factor) return problem('not_found', `there is no such factor; there are ${factorIds}`)
    if (user.length > longestUser) return userTooLong()
    const { secret, provisioningUri, qrPng } = demo.enroll(user, factor)
    const { label } = factor
    const made = { secret, provisioning_uri: provisioningUri, qr_png: qrPng }
    return context.json({ user, factor_id: factor.id, label, ...made })
  })

  app.post('/users/:user/attempt/start', (context) => {
    const user = context.req.param('user')
    if (user.length > longestUser) return userTooLong()
    const outcome = demo.start(user)
    if (outcome.status === 'not_enrolled') {
      const missing = outcome.missing.map(({ id, label }) => {
        return { id, label, enroll: `POST /users/${encodeURIComponent(user)}/factors/${id}/enroll` }
      })
      const detail = `no chain can be drawn; first call ${missing.map(({ enroll }) => enroll).join(' and ')}`
      return problem('not_enrolled', detail, { missing_factors: missing })
    }
    return context.json({
      session_id: outcome.sessionId,
      mode: demo.mode,
      required_steps: demo.requiredSteps,
      ...whatIsNext(outcome),
    })
  })

  app.post('/attempt/verify', (context) => {
    const body = readBody(context, stepOfSessionSchema)
    if (body instanceof Response) return body
    return verify(context, { ...body, sessionId: body.session_id })
  })

  app.post('/mfa/verify', (context) => {
    const sessionId = context.req.header('x-session-id')
    if (!sessionId) return invalid([{ path: 'X-Session-Id', message: 'this header is required' }])
    const body = readBody(context, stepSchema)
    if (body instanceof Response) return body
    return verify(context, { ...body, sessionId })
  })

  if (debugCodes) {
    app.get('/attempt/:session_id/debug/current-code', (context) => {
      if (!isLocal(context)) return context.notFound()
      const outcome = demo.currentCode(context.req.param('session_id'))
      if (outcome.status === 'unknown') return unknownSession()
      if (outcome.status === 'finished') return finished()
      const { id, label } = outcome.factor
      if (outcome.status === 'code') return context.json({ factor_id: id, label, code: outcome.code })
      const { retryAfter } = outcome
      const detail = `the codes of ${label} that pass now are used; the next one passes in ${retryAfter} s`
      const reply = problem('no_fresh_code', detail, { factor_id: id, label, retry_after: retryAfter })
      reply.headers.set('retry-after', String(retryAfter))
      return reply
    })
  }

  app.notFound(({ req }) => problem('not_found', `there is nothing at ${req.method} ${req.path}`))
  app.onError((error) => {
    console.error(error)
    return problem('internal', 'something went wrong here; the console has more')
  })
  return app

  function verify(context: DemoContext, step: z.infer<typeof stepSchema> & { sessionId: string }): Response {
    const { sessionId, factor_id: factorId, user_input: userInput, window } = step
    return answer(context, demo.verify({ sessionId, factorId, userInput, window }))
  }
}

const factorIds = demoFactors.map(({ id }) => id).join(' and ')

function answer(context: DemoContext, outcome: VerifyOutcome): Response {
  switch (outcome.status) {
    case 'complete':
      return context.json({ authenticated: true })
    case 'advanced': {
      const { id, label } = outcome.expected
      return context.json({ authenticated: false, next_factor_id: id, next_factor_label: label })
    }
    case 'reset': {
      const detail = `this code did not pass, so the attempt is back at its first step: ${outcome.expected.label}`
      return problem('chain_reset', detail, whatIsNext(outcome))
    }
    case 'breached': {
      const detail = `the chain expects ${outcome.expected.label} next; the attempt stands where it stood`
      return problem('chain_breached', detail, whatIsNext(outcome))
    }
    case 'finished':
      return finished()
    case 'unknown':
      return unknownSession()
  }
}

function whatIsNext({ chain, expected }: Progress) {
  return { chain, expected_factor_id: expected.id }
}

function finished(): Response {
  return problem('chain_complete', 'every step of this attempt has been passed; start another one')
}

function unknownSession(): Response {
  return problem('not_found', 'there is no such attempt: it was never started, or has ended')
}

function userTooLong(): Response {
  return invalid([{ path: 'user', message: `at most ${longestUser} characters` }])
}

function invalid(errors: { path: string; message: string }[]): Response {
  const detail = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  return problem('invalid_input', detail, { errors })
}

/** The body as the schema has it, or the answer that says what is wrong with it. */
function readBody<Schema extends z.ZodType>(
  context: DemoContext,
  schema: Schema,
): z.infer<Schema> | Response {
  let body: unknown
  try {
    body = JSON.parse(context.get('body'))
  } catch {
    return invalid([{ path: '', message: 'the body is not JSON' }])
  }
  const read = schema.safeParse(body)
  if (read.success) return read.data
  return invalid(read.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })))
}

/**
 * Whether both ends of the connection are on this machine, and the browser was not led here under the name
 * of another site (DNS rebinding), whose scripts could then read the answer.
 */
function isLocal({ env, req }: DemoContext): boolean {
  const { remoteAddress, localAddress } = env.incoming.socket
  const { hostname } = new URL(req.url)
  const names = ['localhost', '127.0.0.1', '[::1]']
  return isLoopback(remoteAddress) && isLoopback(localAddress) && names.includes(hostname)
}

function isLoopback(address = ''): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
