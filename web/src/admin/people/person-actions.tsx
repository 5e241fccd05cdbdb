import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { ConfirmDialog } from '../confirm-dialog.tsx'
import { ShownOnce } from '../shown-once.tsx'
import { ChangeDialog } from './change-dialog.tsx'
import type { Person } from './person-page.tsx'

interface PersonActionsProps {
  person: Person
  isSelf: boolean
  onChanged(): Promise<void>
}

interface Given {
  title: string
  secret: string | null
  until: string
}

type Asked = 'reset' | 'link' | 'pass' | 'disable' | 'role'

/** What can be done for, or about, somebody. Each change is proven afresh, and on record. */
export function PersonActions({ person, isSelf, onChanged }: PersonActionsProps) {
  const { person: texts } = useTexts().admin
  const { client } = useSession()
  const [asked, setAsked] = useState<Asked | null>(null)
  const [given, setGiven] = useState<Given | null>(null)
  const params = { id: person.id }
  const shut = useAction(async (disabled: boolean) => {
    await client.call('PATCH /api/admin/users/:id', { params, body: { disabled } })
    await onChanged()
  })
  const unlock = useAction(async () => {
    await client.call('POST /api/admin/users/:id/unlock', { params })
    await onChanged()
  })
  const finish = async (what: Given | null) => {
    setAsked(null)
    setGiven(what)
    await onChanged()
  }
  const enrolled = person.methods.length > 0
  const button = (what: Asked, text: string) => (
    <Button variant="default" size="sm" onClick={() => setAsked(what)}>
      {text}
    </Button>
  )
  return (
    <>
      <Group gap="xs" mt="lg">
        {(person.locked || person.wrong_guesses > 0) && (
          <Button size="sm" loading={unlock.busy} onClick={() => void unlock.run()}>
            {texts.unlock}
          </Button>
        )}
        {!isSelf && enrolled && button('reset', texts.reset)}
        {!isSelf && !enrolled && button('link', texts.enrolLink)}
        {!isSelf && enrolled && button('pass', texts.pass)}
        {button('role', texts.change)}
        {!isSelf && person.disabled_at === null && button('disable', texts.disable)}
        {person.disabled_at !== null && (
          <Button variant="default" size="sm" loading={shut.busy} onClick={() => void shut.run(false)}>
            {texts.enable}
          </Button>
        )}
      </Group>
      <ProblemAlert error={unlock.error ?? shut.error} />
      {asked && <ActionDialog {...{ asked, person, onDone: finish, onClose: () => setAsked(null) }} />}
      {given && <ShownOnce {...given} onClose={() => setGiven(null)} />}
    </>
  )
}

interface ActionDialogProps {
  asked: Asked
  person: Person
  onDone(given: Given | null): Promise<void>
  onClose(): void
}

function ActionDialog({ asked, person, onDone, onClose }: ActionDialogProps) {
  const { admin } = useTexts()
  const texts = admin.person
  const { client } = useSession()
  const params = { id: person.id }
  const asLink = (made: { link: string | null; expires_at: string }) =>
    onDone({ title: admin.link, secret: made.link, until: made.expires_at })
  if (asked === 'reset')
    return (
      <ConfirmDialog
        {...{ title: texts.resetTitle, lead: texts.resetLead, confirm: texts.reset, onClose }}
        {...{ danger: true, reason: true, mail: person.email !== null }}
        onConfirm={async (body) =>
          asLink(await client.call('POST /api/admin/users/:id/reset-factors', { params, body }))
        }
      />
    )
  if (asked === 'link')
    return (
      <ConfirmDialog
        {...{ title: texts.enrolLink, lead: texts.enrolLinkLead, confirm: texts.enrolLink, onClose }}
        {...{ reason: true, mail: person.email !== null }}
        onConfirm={async (body) =>
          asLink(await client.call('POST /api/admin/users/:id/enrolment-link', { params, body }))
        }
      />
    )
  if (asked === 'pass')
    return (
      <ConfirmDialog
        {...{ title: texts.pass, lead: texts.passLead, confirm: texts.pass, reason: true, onClose }}
        onConfirm={async ({ reason }) => {
          const made = await client.call('POST /api/admin/users/:id/pass', { params, body: { reason } })
          await onDone({ title: texts.pass, secret: made.pass, until: made.expires_at })
        }}
      />
    )
  if (asked === 'role')
    return <ChangeDialog person={person} onChanged={() => onDone(null)} onClose={onClose} />
  return (
    <ConfirmDialog
      {...{ title: texts.disableTitle, lead: texts.disableLead, confirm: texts.disable, onClose }}
      danger
      onConfirm={async () => {
        await client.call('PATCH /api/admin/users/:id', { params, body: { disabled: true } })
        await onDone(null)
      }}
    />
  )
}
