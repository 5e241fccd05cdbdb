import { useState } from 'react'
import { type Loaded, useAction, useLoad } from './use-load.ts'

interface Page<T> {
  items: T[]
  next: string | null
}

/** A list that comes in pages: what was loaded so far, and the way to more of it. */
export function usePages<T>(key: string, load: (after: string | undefined) => Promise<Page<T>>) {
  const [further, setFurther] = useState<{ of: unknown; items: T[]; next: string | null } | null>(null)
  const first = useLoad(key, () => load(undefined))
  const begun = first.status === 'loaded' ? first.data : null
  // Pages that follow another first page than the one shown are no longer of this list.
  const rest = further !== null && further.of === begun ? further : null
  const next = rest ? rest.next : (begun?.next ?? null)
  const { run, busy, error } = useAction(async () => {
    const page = await load(next!)
    setFurther({ of: begun, items: [...(rest?.items ?? []), ...page.items], next: page.next })
  })
  const loaded: Loaded<T[]> =
    begun === null
      ? (first as Loaded<T[]>)
      : { status: 'loaded', data: [...begun.items, ...(rest?.items ?? [])] }
  return { ...loaded, reload: first.reload, more: next === null ? null : { run, busy, error } }
}
