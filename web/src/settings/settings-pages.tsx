import { Redirect, Route, Switch } from 'wouter'
import { NotFound } from '../ui/not-found-page.tsx'
import { SecurityPage } from './security-page.tsx'

export function SettingsPages() {
  return (
    <Switch>
      <Route path="/settings">
        <Redirect to="/settings/security" replace />
      </Route>
      <Route path="/settings/security" component={SecurityPage} />
      <Route component={NotFound} />
    </Switch>
  )
}
