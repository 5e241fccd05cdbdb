import type { ApiKey, Clock, Store } from '@sallyport/core'
import type { Route } from '@sallyport/protocol'

const minute = 60_000

export type RecordKeyCall = (key: ApiKey, route: Route) => Promise<void>

/** Each call with an API key is a ledger entry; when the key was last used is kept to the minute. */
export function createKeyCalls({ store, clock }: { store: Store; clock: Clock }): RecordKeyCall {
  return (key, { method, path }) =>
    store.transaction(async (tx) => {
      const now = clock.now()
      const stale = key.lastUsedAt === null || key.lastUsedAt < now - minute
      if (stale) await tx.apiKeys.touch(key.id, now, now - minute)
      const route = `${method} ${path}`
      tx.ledger.append({
        type: 'apikey.called',
        at: now,
        actor: `apikey:${key.id}`,
        data: { key: key.id, route },
      })
    })
}
