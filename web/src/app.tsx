import { lazy, type ReactNode, Suspense } from 'react'
import { Redirect, Route, Switch, useSearch } from 'wouter'
import { nextPath, SignedIn, useSession } from './session/session.tsx'
import { SignInPage } from './sign-in/sign-in-page.tsx'
import { NotFoundPage } from './ui/not-found-page.tsx'
import { Failed, Loading } from './ui/states.tsx'

// What nobody needs who only signs in is loaded when it is gone to.
const LinkPage = lazy(async () => ({ default: (await import('./links/link-page.tsx')).LinkPage }))
const SettingsPages = lazy(async () => ({
  default: (await import('./settings/settings-pages.tsx')).SettingsPages,
}))
const AdminPages = lazy(async () => ({ default: (await import('./admin/admin-pages.tsx')).AdminPages }))

const AppFrame = lazy(async () => ({ default: (await import('./ui/app-frame.tsx')).AppFrame }))

const links = /^\/(?<page>setup|invitation|enrol|reset|forgot)\/?$/

export function App() {
  return (
    <Suspense fallback={<Loading />}>
      <Switch>
        <Route path={/^\/(?:sign-in)?\/?$/}>
          <StartPage />
        </Route>
        <Route path={links}>{({ page }) => <LinkPage key={page} page={page!} />}</Route>
        <Route path="/settings/*?">
          <Framed>
            <SettingsPages />
          </Framed>
        </Route>
        <Route path="/admin/*?">
          <Framed wide>
            <AdminPages />
          </Framed>
        </Route>
        <Route>
          <NotFoundPage />
        </Route>
      </Switch>
    </Suspense>
  )
}

/** Where people begin: signing in, or the page they came for. */
function StartPage() {
  const { state } = useSession()
  const next = nextPath(useSearch())
  if (state.status === 'loading') return <Loading />
  if (state.status === 'signed_in') return <Redirect to={next ?? '/settings/security'} replace />
  return <SignInPage ended={state.status === 'signed_out' && state.ended} />
}

function Framed({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  return (
    <SignedIn
      waiting={<Loading />}
      failed={(error) => <Failed error={error} onRetry={() => location.reload()} />}
    >
      <AppFrame wide={wide}>
        <Suspense fallback={<Loading />}>{children}</Suspense>
      </AppFrame>
    </SignedIn>
  )
}
