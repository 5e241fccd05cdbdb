import type { AnswerOf, BodyOf, ParamsOf, QueryOf, Route } from '@sallyport/protocol'
import type { Access, Caller } from './access.ts'
import type { GateApp, GateContext } from './context.ts'
import type { RecordKeyCall } from './key-calls.ts'
import { readBody } from './read-body.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import type { SuspicionGuard } from './suspicion-guard.ts'

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

/** A `Response` is for what is no JSON, or too long to be held in one piece. */
export type Handler<R extends Route> = (call: Call<R>) => Promise<AnswerOf<R> | Refusal | Response>

export type Binder = <R extends Route>(route: R, handler: Handler<R>) => void

/**
 * Puts routes on the app: who may call is settled first, then the request's shape, then the handler runs.
 * A call with an API key is answered once it is on record.
 */
export function createBinder(
  app: GateApp,
  options: {
    access: Access
    recordKeyCall: RecordKeyCall
    watchBody: SuspicionGuard['watchBody']
  },
): Binder {
  const { access, recordKeyCall, watchBody } = options
  return (route, handler) => {
    app.on(route.method, route.path, async (context) => {
      const address = context.get('address')
      const admitted = await access.admit(route.access, context)
      if (admitted instanceof Refusal) return answerRefusal(context, admitted)
      context.set('byKey', admitted.kind === 'key')
      const answered = async () => {
        const request = await readRequest(route, context, (body) =>
          watchBody(context, { route, body, address }),
        )
        if (request instanceof Refusal) return request
        const userAgent = context.req.header('user-agent')?.slice(0, 256) ?? null
        return handler({ ...request, caller: admitted, address, userAgent, context })
      }
      // Side by side, so that the record may share its commit with what the handler writes.
      const recorded = admitted.kind === 'key' && recordKeyCall(admitted.key, route)
      const [answer] = await Promise.all([answered(), recorded])
      if (answer instanceof Refusal) return answerRefusal(context, answer)
      if (answer instanceof Response) return answer
      context.header('cache-control', 'no-store')
      return context.json(answer as object)
    })
  }
}

async function readRequest<R extends Route>(route: R, context: GateContext, watch: (body: unknown) => void) {
  const body = await readJson(context)
  if (body instanceof Refusal) return body
  watch(body)
  const parsed = {
    params: route.params.safeParse(context.req.param()),
    query: route.query.safeParse(context.req.query()),
    body: route.body.safeParse(body),
  }
  const faults = Object.entries(parsed).flatMap(([part, { error }]) =>
    (error?.issues ?? []).flatMap((issue) => describeIssue(issue, part === 'body' ? '' : part)),
  )
  if (faults.length > 0)
    return new Refusal('invalid_input', 'the request cannot be used as it is', {
      extra: { errors: faults.slice(0, 32) },
    })
  return {
    params: parsed.params.data as ParamsOf<R>,
    query: parsed.query.data as QueryOf<R>,
    body: parsed.body.data as BodyOf<R>,
  }
}

/** No body at all reads as an empty object; anything that is not JSON is refused. */
async function readJson(context: GateContext): Promise<unknown> {
  if (context.req.method === 'GET') return {}
  const text = await readBody(context)
  if (text instanceof Refusal) return text
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
  const steps = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
  const path = `${part}${steps}`.replace(/^\./, '').slice(0, 200)
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message.slice(0, 300) }]
  return (issue.keys ?? [])
    .slice(0, 8)
    .map((key) => ({ path: [path, key.slice(0, 64)].filter(Boolean).join('.'), message: 'unknown field' }))
}
