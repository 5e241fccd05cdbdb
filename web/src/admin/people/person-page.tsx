import { Alert, Button, Group } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { Link } from 'wouter'
import { useMe, useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { useLocks } from '../use-locks.ts'
import { PersonActions } from './person-actions.tsx'
import { PersonDevices } from './person-devices.tsx'
import { PersonFactors } from './person-factors.tsx'
import { PersonSessions } from './person-sessions.tsx'
import { StatusBadges } from './status-badges.tsx'

export type Person = Answer<'GET /api/admin/users/:id'>

/** One person: how they stand, and the ways back in. */
export function PersonPage({ id }: { id: string }) {
  const { admin } = useTexts()
  const { client } = useSession()
  const { user_id: own } = useMe()
  const params = { params: { id } }
  const loaded = useLoad('', async () => {
    const [person, factors, sessions, devices] = await Promise.all([
      client.call('GET /api/admin/users/:id', params),
      client.call('GET /api/admin/users/:id/factors', params),
      client.call('GET /api/admin/users/:id/sessions', params),
      client.call('GET /api/admin/users/:id/devices', params),
    ])
    return { person, factors: factors.items, sessions: sessions.items, devices: devices.items }
  })
  const until = loaded.status === 'loaded' ? loaded.data.person.locked_until : null
  useLocks((subjects) => {
    if (subjects === null || subjects.has(id)) void loaded.reload()
  }, until)
  if (loaded.status === 'loading') return <Loading />
  if (loaded.status === 'failed') return <Failed error={loaded.error} onRetry={loaded.reload} />
  const { person, factors, sessions, devices } = loaded.data
  const parts = { person, isSelf: id === own, onChanged: loaded.reload }
  return (
    <>
      <Link href="/admin/people" className="sp-person sp-back">
        ← {admin.person.back}
      </Link>
      <PageTitle lead={<Facts person={person} />}>{person.email ?? person.name}</PageTitle>
      {parts.isSelf && (
        <Alert variant="light" mt="lg">
          <Group justify="space-between">
            {admin.person.self}
            <Button {...{ component: Link, href: '/settings/security', variant: 'default', size: 'sm' }}>
              {admin.person.toSecurity}
            </Button>
          </Group>
        </Alert>
      )}
      <PersonActions {...parts} />
      <PersonFactors {...parts} factors={factors} />
      <PersonSessions {...parts} sessions={sessions} />
      <PersonDevices {...parts} devices={devices} />
    </>
  )
}

function Facts({ person }: { person: Person }) {
  const { admin } = useTexts()
  const times = useTimes()
  const facts = [person.role, person.company, admin.person.since(times.day(person.created_at))]
  if (person.grace_until !== null) facts.push(admin.overview.graceUntil(times.moment(person.grace_until)))
  if (person.wrong_guesses > 0) facts.push(admin.person.wrongGuesses(person.wrong_guesses))
  return (
    <span className="sp-facts">
      <StatusBadges user={person} />
      <span>{facts.filter(Boolean).join(' · ')}</span>
    </span>
  )
}
