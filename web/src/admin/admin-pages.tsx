import './admin.css'
import { Alert } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import { useMe } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { AlertIcon } from '../ui/icons.tsx'
import { NotFound } from '../ui/not-found-page.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { Loading } from '../ui/states.tsx'
import { ApplicationsPage } from './applications/applications-page.tsx'
import { KeysPage } from './keys/keys-page.tsx'
import { LedgerPage } from './ledger/ledger-page.tsx'
import { PeoplePage } from './people/people-page.tsx'
import { PersonPage } from './people/person-page.tsx'
import { PoliciesPage } from './policies/policies-page.tsx'
import { SettingsPage } from './settings/settings-page.tsx'

// The two that draw charts bring what draws them.
const OverviewPage = lazy(async () => ({
  default: (await import('./overview/overview-page.tsx')).OverviewPage,
}))
const ThreatsPage = lazy(async () => ({ default: (await import('./threats/threats-page.tsx')).ThreatsPage }))

const places = [
  'overview',
  'people',
  'policies',
  'threats',
  'ledger',
  'applications',
  'keys',
  'settings',
] as const

const addressOf = (place: (typeof places)[number]) => (place === 'overview' ? '/admin' : `/admin/${place}`)

/** What administrators see: loaded when they go there. */
export function AdminPages() {
  const { admin } = useTexts()
  const { role } = useMe()
  const [path] = useLocation()
  if (role !== 'admin')
    return (
      <>
        <PageTitle>{admin.title}</PageTitle>
        <Alert color="orange" variant="light" icon={<AlertIcon />} mt="lg">
          {admin.onlyAdmins}
        </Alert>
      </>
    )
  const isHere = (address: string) =>
    address === '/admin' ? path === address : path === address || path.startsWith(`${address}/`)
  return (
    <div className="sp-admin">
      <nav className="sp-side" aria-label={admin.title}>
        {places.map((place) => (
          <Link
            key={place}
            href={addressOf(place)}
            // Lets go of the focus, which the next page's heading takes.
            onClick={(event) => event.currentTarget.blur()}
            {...(isHere(addressOf(place)) && { 'aria-current': 'page' as const })}
          >
            {admin.nav[place]}
          </Link>
        ))}
      </nav>
      <div>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/admin" component={OverviewPage} />
            <Route path="/admin/people" component={PeoplePage} />
            <Route path="/admin/people/:id">{({ id }) => <PersonPage key={id} id={id} />}</Route>
            <Route path="/admin/policies" component={PoliciesPage} />
            <Route path="/admin/threats" component={ThreatsPage} />
            <Route path="/admin/ledger" component={LedgerPage} />
            <Route path="/admin/applications" component={ApplicationsPage} />
            <Route path="/admin/keys" component={KeysPage} />
            <Route path="/admin/settings" component={SettingsPage} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </div>
    </div>
  )
}
