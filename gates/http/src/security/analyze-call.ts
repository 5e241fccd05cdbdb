import { formatAddress, type JudgedRequest, parseAddress, type Suspicion } from '@sallyport/core'
import { analyzeRoutes, type BodyOf } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { Refusal } from '../refusal.ts'

/** What an application asks about is data: only what it says of its own visitors is judged, and held against them. */
export function registerAnalyze(bind: Binder, { suspicion }: { suspicion: Suspicion }): void {
  bind(analyzeRoutes.analyze, async ({ body, caller }) => {
    const address = parseAddress(body.ip_address)
    if (!address)
      return new Refusal('invalid_input', 'ip_address must be an address', {
        extra: { errors: [{ path: 'ip_address', message: 'must be an IPv4 or IPv6 address' }] },
      })
    const judgement = suspicion.judge(asRequest(body))
    if (caller.kind === 'key' && caller.key.scopes.some(isWriting)) {
      suspicion.note(judgement, { address: formatAddress(address), application: caller.key.application })
    }
    const { score, categories, patterns, action } = judgement
    return { score, categories: { ...categories }, patterns, action }
  })
}

const isWriting = (scope: string) => scope === 'security:write' || scope === 'admin'

function asRequest(asked: BodyOf<typeof analyzeRoutes.analyze>): JudgedRequest {
  const { user_agent: agent, path, query, body } = asked
  const userAgent = agent ?? null
  const [plainPath = '', inPath = ''] = splitPath(path)
  if (typeof query === 'object' && query !== null) {
    return { userAgent, path: plainPath, query: inPath, body: [query, body] }
  }
  return {
    userAgent,
    path: plainPath,
    query: [inPath, query?.replace(/^\?/, '')].filter(Boolean).join('&'),
    body,
  }
}

function splitPath(path: string): [string, string] {
  const mark = path.indexOf('?')
  return mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)]
}
