import { Button, PasswordInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { MethodIcon } from '../ui/method-icon.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'

export function PasswordSection({ onChanged }: { onChanged(): Promise<void> }) {
  const { security } = useTexts()
  const [open, setOpen] = useState(false)
  const [changed, setChanged] = useState(false)
  return (
    <Section title={security.password}>
      <ul className="sp-list">
        <Row
          icon={<MethodIcon method="password" />}
          title={security.password}
          detail={<span role="status">{changed ? security.passwordChanged : security.passwordLead}</span>}
          actions={
            <Button variant="default" size="sm" onClick={() => setOpen(true)}>
              {security.changePassword}
            </Button>
          }
        />
      </ul>
      {open && (
        <ChangeDialog
          onClose={(done) => {
            setOpen(false)
            setChanged(done)
            if (done) void onChanged()
          }}
        />
      )}
    </Section>
  )
}

function ChangeDialog({ onClose }: { onClose(done: boolean): void }) {
  const { security, links } = useTexts()
  const { client } = useSession()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const { run, busy, error } = useAction(async () => {
    const body = { current_password: current, new_password: next }
    await client.call('POST /auth/password/change', { body })
    onClose(true)
  })
  return (
    <Dialog onClose={() => onClose(false)} title={security.changePassword}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <Text c="dimmed">{security.passwordLead}</Text>
          <PasswordInput
            {...{ label: security.currentPassword, autoComplete: 'current-password', required: true }}
            withAsterisk={false}
            value={current}
            data-autofocus
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            {...{ label: links.password, description: links.passwordHint, autoComplete: 'new-password' }}
            {...{ required: true, withAsterisk: false, minLength: 12 }}
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <ProblemAlert error={error} />
          <Button type="submit" loading={busy}>
            {security.changePassword}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
