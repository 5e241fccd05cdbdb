import { Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { DeviceIcon } from '../../ui/device-icon.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import type { Person } from './person-page.tsx'

interface PersonSessionsProps {
  person: Person
  sessions: Answer<'GET /api/admin/users/:id/sessions'>['items']
  onChanged(): Promise<void>
}

/** Where somebody is signed in. */
export function PersonSessions({ person, sessions, onChanged }: PersonSessionsProps) {
  const { security, admin } = useTexts()
  const texts = admin.person
  const times = useTimes()
  const { client } = useSession()
  const [ended, setEnded] = useState<number | null>(null)
  const end = useAction(async () => {
    const answer = await client.call('DELETE /api/admin/users/:id/sessions', { params: { id: person.id } })
    setEnded(answer.ended)
    await onChanged()
  })
  return (
    <Section
      title={texts.sessions}
      action={
        sessions.length > 0 && (
          <Button variant="light" size="sm" loading={end.busy} onClick={() => void end.run()}>
            {texts.signOutAll}
          </Button>
        )
      }
    >
      <ProblemAlert error={end.error} />
      <div role="status">
        {sessions.length === 0 && <Empty>{ended === null ? texts.noSessions : texts.signedOut(ended)}</Empty>}
      </div>
      <ul className="sp-list">
        {sessions.map((session) => (
          <Row
            key={session.id}
            icon={<DeviceIcon browser={session.browser} />}
            title={security.browser(session.browser)}
            detail={[
              security.since(times.ago(session.created_at)),
              ...(session.address === null ? [] : [security.from(session.address)]),
            ].join(' · ')}
          />
        ))}
      </ul>
    </Section>
  )
}
