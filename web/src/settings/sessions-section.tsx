import { Badge, Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useSession } from '../session/session.tsx'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { DeviceIcon } from '../ui/device-icon.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { Failed, Loading, ProblemAlert } from '../ui/states.tsx'
import { useAction, useLoad } from '../ui/use-load.ts'

type OwnSession = Answer<'GET /auth/sessions'>['sessions'][number]

export function SessionsSection({ onChanged }: { onChanged(): Promise<void> }) {
  const { security } = useTexts()
  const { client, leave } = useSession()
  const sessions = useLoad('', () => client.call('GET /auth/sessions'))
  const everywhere = useAction(() => leave(true))
  const one = useAction(async (id: string) => {
    await client.call('DELETE /auth/sessions/:id', { params: { id } })
    await sessions.reload()
    void onChanged()
  })
  return (
    <Section
      title={security.sessions}
      action={
        <Button variant="light" size="sm" loading={everywhere.busy} onClick={() => void everywhere.run()}>
          {security.signOutAll}
        </Button>
      }
    >
      <ProblemAlert error={everywhere.error ?? one.error} />
      {sessions.status === 'loading' && <Loading />}
      {sessions.status === 'failed' && <Failed error={sessions.error} onRetry={sessions.reload} />}
      {sessions.status === 'loaded' && (
        <ul className="sp-list">
          {sessions.data.sessions
            .toSorted((a, b) => Number(b.current) - Number(a.current))
            .map((session) => (
              <SessionRow key={session.id} session={session} onEnd={() => void one.run(session.id)} />
            ))}
        </ul>
      )}
    </Section>
  )
}

function SessionRow({ session, onEnd }: { session: OwnSession; onEnd(): void }) {
  const { security } = useTexts()
  const times = useTimes()
  const name = security.browser(session.browser)
  const began = times.ago(session.created_at)
  const facts = [session.enrolling ? security.enrolling(began) : security.since(began)]
  if (session.address !== null) facts.push(security.from(session.address))
  return (
    <Row
      icon={<DeviceIcon browser={session.browser} />}
      title={
        <>
          {name}
          {session.current && (
            <Badge variant="light" tt="none">
              {security.thisDevice}
            </Badge>
          )}
        </>
      }
      detail={facts.join(' · ')}
      actions={
        !session.current && (
          <Button variant="default" size="sm" aria-label={security.signOutThis(name)} onClick={onEnd}>
            {security.signOut}
          </Button>
        )
      }
    />
  )
}
