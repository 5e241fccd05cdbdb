import type { Judgement, Suspicion } from '@sallyport/core'
import type { Route } from '@sallyport/protocol'
import type { MiddlewareHandler } from 'hono'
import type { GateContext, GateEnv } from './context.ts'
import { isForOtherSites } from './pages.ts'
import { answerRefusal, Refusal } from './refusal.ts'

/** Looks for signs of attacks in what comes to the gate's own surfaces, and leaves the refusing to blocks. */
export interface SuspicionGuard {
  /**
   * Path, query, agent and headers of every request, whatever is served there. What a page elsewhere makes
   * browsers send is refused here, since its sender cannot help it and must not be blocked for it.
   */
  readonly watch: MiddlewareHandler<GateEnv>
  /** The body, where nobody has said yet who they are. What comes with an API key or a session is data. */
  watchBody(context: GateContext, from: { route: Route; body: unknown; address: string }): void
}

export function createSuspicionGuard(suspicion: Suspicion): SuspicionGuard {
  /** One request is one hit, wherever the signs of it are. */
  const noted = new WeakSet<Request>()

  function note(
    context: GateContext,
    judgement: Judgement,
    from: { address: string; blameless?: boolean },
  ): void {
    if (judgement.action === 'allow' || noted.has(context.req.raw)) return
    noted.add(context.req.raw)
    suspicion.note(judgement, from)
  }

  return {
    async watch(context: GateContext, next) {
      const address = context.get('address')
      const judgement = suspicion.judge(headOf(context))
      const meant = isFollowedLink(context) || isForOtherSites(context.req.path)
      if (isMadeElsewhere(context) && (judgement.action !== 'allow' || !meant)) {
        note(context, judgement, { address, blameless: true })
        return answerRefusal(context, new Refusal('csrf_refused', 'a page elsewhere made this request'))
      }
      await next()
      // An application passes on what its visitors typed: it is not to blame for that, nor for their guesses.
      const blameless = context.get('byKey') === true
      note(context, judgement, { address, blameless })
      const { status } = context.res
      const refused = status === 401 || status === 403
      if (!blameless && (refused || !hasCredentials(context))) suspicion.count(address)
    },
    watchBody(context, { route, body, address }) {
      if (route.access !== 'public' && route.access !== 'pending') return
      note(context, suspicion.judge({ userAgent: null, path: '', query: '', body }), { address })
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

/**
 * What browsers say of a request that another site's page made (W3C Fetch Metadata Request Headers, section 2).
 * None of those can carry `Authorization`: that would need leave, which nobody is given here.
 */
function isMadeElsewhere({ req }: GateContext): boolean {
  return req.header('sec-fetch-site') === 'cross-site' && req.header('authorization') === undefined
}

/** A person went to an address here, as by a link in a letter: no image, frame or script's doing. */
function isFollowedLink({ req }: GateContext): boolean {
  return req.header('sec-fetch-mode') === 'navigate' && req.header('sec-fetch-dest') === 'document'
}
