import { Button, Checkbox, Stack, TextInput } from '@mantine/core'
import type { Body } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { ShownOnce } from '../shown-once.tsx'

type Scope = Body<'POST /api/admin/apikeys'>['scopes'][number]

const scopes: Scope[] = ['mfa:read', 'mfa:write', 'security:read', 'security:write', 'admin']

interface CreateKeyDialogProps {
  /** The application that it is for, unless another one is named. */
  app?: string
  onCreated(): void
  onClose(): void
}

export function CreateKeyDialog({ app = 'default', onCreated, onClose }: CreateKeyDialogProps) {
  const { keys: texts } = useTexts().admin
  const { client } = useSession()
  const [wanted, setWanted] = useState({ name: '', app, scopes: ['mfa:read', 'mfa:write'] })
  const [key, setKey] = useState<string | null>(null)
  const { run, busy, error } = useAction(async () => {
    const body = { ...wanted, scopes: wanted.scopes as Scope[] }
    const made = await client.call('POST /api/admin/apikeys', { body })
    setKey(made.key)
    onCreated()
  })
  if (key !== null) return <ShownOnce title={texts.created} secret={key} onClose={onClose} />
  return (
    <Dialog onClose={onClose} title={texts.createTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <TextInput
            {...{ label: texts.name, description: texts.nameHint, required: true, withAsterisk: false }}
            {...{ maxLength: 100, value: wanted.name, 'data-autofocus': true }}
            onChange={(event) => setWanted({ ...wanted, name: event.currentTarget.value })}
          />
          <TextInput
            {...{ label: texts.app, required: true, withAsterisk: false, maxLength: 64, value: wanted.app }}
            onChange={(event) => setWanted({ ...wanted, app: event.currentTarget.value })}
          />
          <Checkbox.Group
            label={texts.scopes}
            value={wanted.scopes}
            onChange={(chosen) => setWanted({ ...wanted, scopes: chosen })}
          >
            <Stack gap="xs" mt="xs">
              {scopes.map((scope) => (
                <Checkbox key={scope} value={scope} label={scope} description={texts.scopeHints[scope]} />
              ))}
            </Stack>
          </Checkbox.Group>
          <ProblemAlert error={error} />
          <Button type="submit" loading={busy} disabled={wanted.scopes.length === 0}>
            {texts.create}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
