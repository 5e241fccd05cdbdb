import { useCallback, useEffect, useRef, useState } from 'react'
import { Cancelled } from '../session/pages-client.ts'

export type Loaded<T> =
  | { status: 'loading' }
  | { status: 'failed'; error: unknown }
  | { status: 'loaded'; data: T }

/** Loads when drawn and when `key` changes; what is shown stays while it is loaded again. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> & { reload(): Promise<void> } {
  const [loaded, setLoaded] = useState<Loaded<T>>({ status: 'loading' })
  const newest = useRef({ load, turn: 0 })
  newest.current.load = load
  const reload = useCallback(async () => {
    const turn = ++newest.current.turn
    const settled = await newest.current.load().then(
      (data): Loaded<T> => ({ status: 'loaded', data }),
      (error: unknown): Loaded<T> => ({ status: 'failed', error: shown(error) }),
    )
    if (turn === newest.current.turn) setLoaded(settled)
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when to load again
  useEffect(() => {
    void reload()
    const { current } = newest
    return () => {
      current.turn++
    }
  }, [key, reload])
  return { ...loaded, reload }
}

/** One thing a person does: whether it is under way, and what went wrong. */
export function useAction<Args extends unknown[]>(work: (...args: Args) => Promise<void>) {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null })
  const running = useRef(false)
  const run = async (...args: Args): Promise<void> => {
    if (running.current) return
    running.current = true
    setState({ busy: true, error: null })
    try {
      await work(...args)
      setState({ busy: false, error: null })
    } catch (error) {
      setState({ busy: false, error: shown(error) })
    } finally {
      running.current = false
    }
  }
  return { ...state, run, clear: () => setState({ busy: false, error: null }) }
}

const shown = (error: unknown) => (error instanceof Cancelled ? null : error)
