import type { Clock } from '@sallyport/core'

/** The newest `limit` values, each for `lifetime` milliseconds: what a stranger can fill, and no more. */
export interface RecentMap<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  deleteWhere(test: (value: Value) => boolean): void
}

export function createRecentMap<Value>(options: {
  clock: Clock
  limit: number
  lifetime?: number
}): RecentMap<Value> {
  const { clock, limit, lifetime = Number.POSITIVE_INFINITY } = options
  // A Map keeps the order of insertion, so the oldest entry is always the first.
  const entries = new Map<string, { value: Value; until: number }>()

  function dropOld(): void {
    for (const [key, { until }] of entries) {
      if (entries.size <= limit && until > clock.now()) return
      entries.delete(key)
    }
  }

  return {
    get(key) {
      dropOld()
      return entries.get(key)?.value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, { value, until: clock.now() + lifetime })
      dropOld()
    },
    deleteWhere(test) {
      for (const [key, { value }] of entries) if (test(value)) entries.delete(key)
    },
  }
}
