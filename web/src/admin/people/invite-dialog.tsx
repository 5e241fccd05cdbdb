import { Button, Checkbox, NativeSelect, Stack, TextInput } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { ShownOnce } from '../shown-once.tsx'

interface InviteDialogProps {
  roles: string[]
  onInvited(): void
  onClose(): void
}

export function InviteDialog({ roles, onInvited, onClose }: InviteDialogProps) {
  const { admin } = useTexts()
  const texts = admin.people
  const { client } = useSession()
  const [wanted, setWanted] = useState({ email: '', role: 'user', company: '', mail: false })
  const [made, setMade] = useState<Answer<'POST /api/admin/users'> | null>(null)
  const { run, busy, error } = useAction(async () => {
    const company = wanted.company.trim() || null
    setMade(await client.call('POST /api/admin/users', { body: { ...wanted, company } }))
    onInvited()
  })
  if (made)
    return <ShownOnce title={admin.link} secret={made.link} until={made.expires_at} onClose={onClose} />
  return (
    <Dialog onClose={onClose} title={texts.inviteTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <TextInput
            {...{ label: texts.email, type: 'email', required: true, withAsterisk: false, maxLength: 254 }}
            {...{ value: wanted.email, 'data-autofocus': true, autoComplete: 'off' }}
            onChange={(event) => setWanted({ ...wanted, email: event.currentTarget.value })}
          />
          <NativeSelect
            {...{
              label: texts.role,
              size: 'md',
              value: wanted.role,
              data: roles.length > 0 ? roles : ['user'],
            }}
            onChange={(event) => setWanted({ ...wanted, role: event.currentTarget.value })}
          />
          <TextInput
            {...{ label: texts.company, maxLength: 100, value: wanted.company }}
            onChange={(event) => setWanted({ ...wanted, company: event.currentTarget.value })}
          />
          <Checkbox
            {...{ label: admin.mail, checked: wanted.mail }}
            onChange={(event) => setWanted({ ...wanted, mail: event.currentTarget.checked })}
          />
          <ProblemAlert error={error} />
          <Button type="submit" loading={busy}>
            {texts.invite}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
