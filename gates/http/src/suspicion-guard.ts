import type { Judgement, Suspicion } from '@sallyport/core'
import type { Route } from '@sallyport/protocol'
import type { MiddlewareHandler } from 'hono'
import type { GateContext, GateEnv } from './context.ts'

/** Looks for signs of attacks in what comes to the gate's own surfaces. It refuses nothing: blocks do. */
export interface SuspicionGuard {
  /** Path, query, agent and headers of every request, whatever is served there. */
  readonly watch: MiddlewareHandler<GateEnv>
  /** The body, where nobody has said yet who they are. What comes with an API key or a session is data. */
  watchBody(context: GateContext, from: { route: Route; body: unknown; address: string }): void
}

export function createSuspicionGuard(suspicion: Suspicion): SuspicionGuard {
  /** One request is one hit, wherever the signs of it are. */
  const noted = new WeakSet<Request>()

  function note(context: GateContext, judgement: Judgement, address: string): void {
    if (judgement.action === 'allow' || noted.has(context.req.raw)) return
    noted.add(context.req.raw)
    suspicion.note(judgement, { address })
  }

  return {
    async watch(context: GateContext, next) {
      const address = context.get('address')
      note(context, suspicion.judge(headOf(context)), address)
      await next()
      const { status } = context.res
      const refused = status === 401 || status === 403
      if (refused || !hasCredentials(context)) suspicion.count(address)
    },
    watchBody(context, { route, body, address }) {
      if (route.access !== 'public' && route.access !== 'pending') return
      note(context, suspicion.judge({ userAgent: null, path: '', query: '', body }), address)
    },
  }
}

/** As it came over the wire: the framework's own reading has lost `../`. */
function headOf(context: GateContext) {
  const incoming = context.env?.incoming
  const url = incoming?.url ?? context.req.url.replace(/^[a-z]+:\/\/[^/]*/i, '')
  const mark = url.indexOf('?')
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
  const headers = incoming?.headers ?? Object.fromEntries(context.req.raw.headers)
  return { userAgent: headers['user-agent'] ?? null, path, query, headers }
}

function hasCredentials(context: GateContext): boolean {
  return context.req.header('authorization') !== undefined || context.req.header('cookie') !== undefined
}
