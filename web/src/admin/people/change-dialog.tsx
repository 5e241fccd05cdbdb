import { Alert, Button, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useMe, useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction, useLoad } from '../../ui/use-load.ts'
import type { Person } from './person-page.tsx'

interface ChangeDialogProps {
  person: Person
  onChanged(): Promise<void>
  onClose(): void
}

/** Makes somebody an administrator, or no longer one; and says where they belong. */
export function ChangeDialog({ person, onChanged, onClose }: ChangeDialogProps) {
  const { admin, common } = useTexts()
  const { client } = useSession()
  const { user_id: own } = useMe()
  const [wanted, setWanted] = useState({ role: person.role, company: person.company ?? '' })
  const roles = useLoad('', () => client.call('GET /api/admin/roles'))
  const names = roles.status === 'loaded' ? roles.data.items.map(({ name }) => name) : [person.role]
  const { run, busy, error } = useAction(async () => {
    const body = { role: wanted.role, company: wanted.company.trim() || null }
    await client.call('PATCH /api/admin/users/:id', { params: { id: person.id }, body })
    await onChanged()
  })
  return (
    <Dialog onClose={onClose} title={admin.person.changeTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <Text>{admin.person.changeLead}</Text>
          {person.id === own && wanted.role !== 'admin' && (
            <Alert color="orange" variant="light">
              {admin.person.changeSelf}
            </Alert>
          )}
          <NativeSelect
            {...{ label: admin.people.role, size: 'md', value: wanted.role, data: names }}
            onChange={(event) => setWanted({ ...wanted, role: event.currentTarget.value })}
          />
          <TextInput
            {...{ label: admin.people.company, maxLength: 100, value: wanted.company }}
            onChange={(event) => setWanted({ ...wanted, company: event.currentTarget.value })}
          />
          <ProblemAlert error={roles.status === 'failed' ? roles.error : error} />
          <Button type="submit" loading={busy}>
            {common.save}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
