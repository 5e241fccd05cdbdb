import type { Answer, Client } from '@sallyport/sdk'
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react'
import { useLocation } from 'wouter'
import { Cancelled, createPagesClient } from './pages-client.ts'
import { watchSession } from './watch-session.ts'

export type Me = Answer<'GET /auth/me'>

export type SessionState =
  | { status: 'loading' }
  /** `ended` where somebody was signed in until just now, and did not sign out here. */
  | { status: 'signed_out'; ended: boolean }
  | { status: 'signed_in'; me: Me }
  | { status: 'failed'; error: unknown }

interface Session {
  state: SessionState
  /** Calls as whoever is signed in. */
  client: Client
  /** After a sign-in: the cookies are there, this page has to hear of it. */
  enter(): Promise<void>
  /** Signs out, here or everywhere. */
  leave(everywhere?: boolean): Promise<void>
}

const SessionContext = createContext<Session | null>(null)
const StepUpDialog = lazy(async () => ({ default: (await import('./step-up-dialog.tsx')).StepUpDialog }))

/** That somebody signed in here: the cookies themselves are not for scripts to see. */
const hintKey = 'sallyport.signed-in'

interface Asked {
  given(): void
  cancelled(): void
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<SessionState>(() =>
    localStorage.getItem(hintKey) === null ? { status: 'signed_out', ended: false } : { status: 'loading' },
  )
  const [asked, setAsked] = useState<Asked | null>(null)

  const client = useMemo(() => {
    const onEnded = () => {
      localStorage.removeItem(hintKey)
      setState({ status: 'signed_out', ended: true })
    }
    const askForProof = () =>
      new Promise<void>((resolve, reject) => {
        setAsked({ given: resolve, cancelled: () => reject(new Cancelled()) })
      }).finally(() => setAsked(null))
    return createPagesClient({ onEnded, askForProof })
  }, [])

  const enter = useCallback(async () => {
    const me = await client.call('GET /auth/me')
    localStorage.setItem(hintKey, 'yes')
    setState({ status: 'signed_in', me })
  }, [client])

  const leave = useCallback(
    async (everywhere = false) => {
      await client.call('POST /auth/logout', { body: { everywhere } })
      localStorage.removeItem(hintKey)
      setState({ status: 'signed_out', ended: false })
    },
    [client],
  )

  const loading = state.status === 'loading'
  useEffect(() => {
    if (!loading) return
    enter().catch((error: unknown) =>
      // What `onEnded` said before stays.
      setState((now) => (now.status === 'loading' ? { status: 'failed', error } : now)),
    )
  }, [loading, enter])

  useEffect(() => {
    const onElsewhere = ({ key, newValue }: StorageEvent) => {
      if (key !== hintKey) return
      setState(newValue === null ? { status: 'signed_out', ended: true } : { status: 'loading' })
    }
    addEventListener('storage', onElsewhere)
    return () => removeEventListener('storage', onElsewhere)
  }, [])

  const signedIn = state.status === 'signed_in'
  useEffect(() => {
    if (signedIn) return watchSession(() => client.call('GET /auth/me'))
  }, [signedIn, client])
  const signedOut = state.status === 'signed_out'
  // Nobody is asked for proof by a session that is over.
  useEffect(() => {
    if (signedOut) asked?.cancelled()
  }, [signedOut, asked])

  const session = useMemo(() => ({ state, client, enter, leave }), [state, client, enter, leave])
  return (
    <SessionContext value={session}>
      {children}
      {asked && (
        <Suspense>
          <StepUpDialog client={client} onGiven={asked.given} onCancel={asked.cancelled} />
        </Suspense>
      )}
    </SessionContext>
  )
}

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('no SessionProvider above')
  return session
}

/** Whoever is signed in, on the pages that are shown to nobody else. */
export function useMe(): Me {
  const { state } = useSession()
  if (state.status !== 'signed_in') throw new Error('this is shown to signed-in people only')
  return state.me
}

/** Where to go after signing in: a path of these pages, and never an address elsewhere. */
export function nextPath(search: string): string | null {
  const next = new URLSearchParams(search).get('next')
  if (next === null || !URL.canParse(next, location.origin)) return null
  const { origin, pathname, search: query, hash } = new URL(next, location.origin)
  return origin === location.origin && next.startsWith('/') ? `${pathname}${query}${hash}` : null
}

/** Shows its children to signed-in people; leads anybody else to sign in, and back here after. */
export function SignedIn(props: {
  children: ReactNode
  waiting: ReactNode
  failed(error: unknown): ReactNode
}) {
  const { state } = useSession()
  const [path, navigate] = useLocation()
  const signedOut = state.status === 'signed_out'
  useEffect(() => {
    if (signedOut) navigate(`/sign-in?next=${encodeURIComponent(path)}`, { replace: true })
  }, [signedOut, path, navigate])
  if (state.status === 'failed') return props.failed(state.error)
  return state.status === 'signed_in' ? props.children : props.waiting
}
