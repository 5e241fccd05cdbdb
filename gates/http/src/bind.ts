import type { HttpBindings } from '@hono/node-server'
import { SallyportError } from '@sallyport/core'
import {
  type AnswerOf,
  type BodyOf,
  type ParamsOf,
  type ProblemCode,
  problem,
  problemContentType,
  type QueryOf,
  type Route,
} from '@sallyport/protocol'
import type { Context, Hono } from 'hono'
import type { Access, Caller } from './access.ts'
import type { ClientAddress } from './client-address.ts'

export type GateContext = Context<{ Bindings: HttpBindings }>
export type GateApp = Hono<{ Bindings: HttpBindings }>

/** One call, validated and with its caller known, as a handler sees it. */
export interface Call<R extends Route> {
  params: ParamsOf<R>
  query: QueryOf<R>
  body: BodyOf<R>
  caller: Caller
  address: string
  userAgent: string | null
  /** The answer's headers and cookies; the body is what the handler returns. */
  context: GateContext
}

export type Handler<R extends Route> = (call: Call<R>) => Promise<AnswerOf<R> | Refusal>

/** An expected "no": which problem, and what a client may want to know beside it. */
export class Refusal {
  readonly code: ProblemCode
  readonly detail: string
  readonly extra: Readonly<Record<string, unknown>>
  readonly retryAfter: number | null

  constructor(code: ProblemCode, detail: string, extra: Readonly<Record<string, unknown>> = {}, retryAfter: number | null = null) {
    this.code = code
    this.detail = detail
    this.extra = extra
    this.retryAfter = retryAfter
  }
}

/** No, and when to come back: `until` in milliseconds since the epoch. */
export function refuseUntil(code: ProblemCode, detail: string, wait: { until: number | null; now: number }): Refusal {
  const { until, now } = wait
  const seconds = until === null ? null : Math.max(1, Math.ceil((until - now) / 1_000))
  return new Refusal(code, detail, until === null ? {} : { retry_at: new Date(until).toISOString() }, seconds)
}

export interface Binder {
  <R extends Route>(route: R, handler: Handler<R>): void
}

/** Puts routes on the app: who may call is settled first, then the request's shape, then the handler runs. */
export function createBinder(app: GateApp, options: { access: Access; clientAddress: ClientAddress }): Binder {
  const { access, clientAddress } = options
  return (route, handler) => {
    app.on(route.method, route.path, async (context) => {
      const address = clientAddress(context)
      const admitted = await access.admit(route.access, context)
      if (admitted instanceof Refusal) return answerRefusal(admitted)
      const request = await readRequest(route, context)
      if (request instanceof Refusal) return answerRefusal(request)
      const userAgent = context.req.header('user-agent')?.slice(0, 256) ?? null
      const answer = await handler({ ...request, caller: admitted, address, userAgent, context })
      if (answer instanceof Refusal) return answerRefusal(answer)
      context.header('cache-control', 'no-store')
      return context.json(answer as object)
    })
  }
}

async function readRequest<R extends Route>(route: R, context: GateContext) {
  const body = await readBody(context)
  if (body instanceof Refusal) return body
  const parsed = {
    params: route.params.safeParse(context.req.param()),
    query: route.query.safeParse(context.req.query()),
    body: route.body.safeParse(body),
  }
  const faults = Object.entries(parsed).flatMap(([part, { error }]) =>
    (error?.issues ?? []).flatMap((issue) => describeIssue(issue, part === 'body' ? '' : part)),
  )
  if (faults.length > 0) return new Refusal('invalid_input', 'the request cannot be used as it is', { errors: faults.slice(0, 32) })
  return {
    params: parsed.params.data as ParamsOf<R>,
    query: parsed.query.data as QueryOf<R>,
    body: parsed.body.data as BodyOf<R>,
  }
}

/** No body at all reads as an empty object; anything that is not JSON is refused. */
async function readBody(context: GateContext): Promise<unknown> {
  if (context.req.method === 'GET') return {}
  const text = await context.req.text()
  if (text === '') return {}
  const type = context.req.header('content-type') ?? ''
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    return new Refusal('invalid_input', 'a body must be JSON, with content-type: application/json')
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    return new Refusal('invalid_input', 'the body is not JSON')
  }
}

type Issue = { path: PropertyKey[]; message: string; code?: string; keys?: string[] }

function describeIssue(issue: Issue, part: string) {
  const steps = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  const path = `${part}${steps}`.replace(/^\./, '').slice(0, 200)
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message.slice(0, 300) }]
  return (issue.keys ?? []).slice(0, 8).map((key) => ({ path: [path, key.slice(0, 64)].filter(Boolean).join('.'), message: 'unknown field' }))
}

export function answerRefusal({ code, detail, extra, retryAfter }: Refusal): Response {
  const body = { ...problem(code, detail), ...extra }
  const headers: Record<string, string> = { 'content-type': problemContentType, 'cache-control': 'no-store' }
  if (retryAfter !== null) headers['retry-after'] = String(retryAfter)
  if (body.status === 401) headers['www-authenticate'] = 'Bearer'
  return new Response(JSON.stringify(body), { status: body.status, headers })
}

export function answerError(error: SallyportError): Response {
  return answerRefusal(new Refusal(error.code, error.message, error.faults.length > 0 ? { errors: error.faults } : {}))
}
