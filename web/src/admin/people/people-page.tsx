import { Button, NativeSelect, TextInput } from '@mantine/core'
import type { Query } from '@sallyport/sdk'
import { useDeferredValue, useState } from 'react'
import { Link } from 'wouter'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { PersonIcon } from '../../ui/icons.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { usePages } from '../../ui/use-pages.ts'
import { useLocks } from '../use-locks.ts'
import { InviteDialog } from './invite-dialog.tsx'
import { StatusBadges, type User } from './status-badges.tsx'

type Status = NonNullable<Query<'GET /api/admin/users'>['status']>

const statuses: Status[] = ['invited', 'enrolled', 'grace', 'must_enrol', 'optional', 'locked', 'disabled']
const day = 24 * 3_600

/** Everybody at the login gate. */
export function PeoplePage() {
  const { admin } = useTexts()
  const texts = admin.people
  const { client } = useSession()
  const [search, setSearch] = useState('')
  const [status, setStatus] = useState<Status | ''>('')
  const [role, setRole] = useState('')
  const [inviting, setInviting] = useState(false)
  const sought = useDeferredValue(search.trim())
  const roles = useLoad('', () => client.call('GET /api/admin/roles'))
  const people = usePages(`${sought}\n${status}\n${role}`, (after) =>
    client.call('GET /api/admin/users', {
      query: {
        limit: 25,
        ...(after !== undefined && { after }),
        ...(sought !== '' && { search: sought }),
        ...(status !== '' && { status }),
        ...(role !== '' && { role }),
      },
    }),
  )
  const shown = people.status === 'loaded' ? people.data : []
  useLocks((subjects) => {
    // Who is not shown here changes nothing here; unless the list is of those who are locked.
    if (subjects === null || status === 'locked' || shown.some(({ id }) => subjects.has(id)))
      void people.reload()
  })
  const names = roles.status === 'loaded' ? roles.data.items.map(({ name }) => name) : []
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.people}</PageTitle>
      <search className="sp-filters">
        <TextInput
          {...{ className: 'grow', label: texts.search, type: 'search', maxLength: 254, value: search }}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <NativeSelect
          {...{ label: texts.status, size: 'md', value: status }}
          data={[
            { value: '', label: admin.all },
            ...statuses.map((value) => ({ value, label: texts.states[value] })),
          ]}
          onChange={(event) => setStatus(event.currentTarget.value as Status | '')}
        />
        <NativeSelect
          {...{ label: texts.role, size: 'md', value: role }}
          data={[{ value: '', label: admin.all }, ...names]}
          onChange={(event) => setRole(event.currentTarget.value)}
        />
      </search>
      <Section
        title={admin.nav.people}
        action={
          <Button size="sm" onClick={() => setInviting(true)}>
            {texts.invite}
          </Button>
        }
      >
        <PagesList pages={people} empty={texts.nobody}>
          {(users) => (
            <ul className="sp-list">
              {users.map((user) => (
                <UserRow key={user.id} user={user} />
              ))}
            </ul>
          )}
        </PagesList>
      </Section>
      <Section title={texts.rules} lead={texts.rulesLead}>
        {roles.status === 'loading' && <Loading />}
        {roles.status === 'failed' && <Failed error={roles.error} onRetry={roles.reload} />}
        {roles.status === 'loaded' && (
          <table className="sp-table">
            <tbody>
              {roles.data.items.map(({ name, required, grace_seconds: grace }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{required ? texts.ruleRequired(Math.round(grace / day)) : texts.ruleOptional}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Section>
      {inviting && (
        <InviteDialog
          roles={names}
          onInvited={() => void people.reload()}
          onClose={() => setInviting(false)}
        />
      )}
    </>
  )
}

function UserRow({ user }: { user: User }) {
  const { methods } = useTexts()
  const facts = [user.role, user.company, user.methods.map((method) => methods[method].name).join(', ')]
  return (
    <Row
      icon={
        <span className="sp-choice-icon">
          <PersonIcon />
        </span>
      }
      title={
        <>
          <Link href={`/admin/people/${user.id}`} className="sp-person">
            {user.email ?? user.name}
          </Link>
          <StatusBadges user={user} />
        </>
      }
      detail={facts.filter(Boolean).join(' · ')}
    />
  )
}
