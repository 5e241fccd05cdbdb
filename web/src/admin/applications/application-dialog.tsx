import { Button, Stack, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import type { Application } from './applications-page.tsx'

interface ApplicationDialogProps {
  /** `null` makes a new one. */
  application: Application | null
  onDone(): void
  onClose(): void
}

/** What an application is called, and where its people use passkeys. */
export function ApplicationDialog({ application, onDone, onClose }: ApplicationDialogProps) {
  const { admin, common } = useTexts()
  const texts = admin.applications
  const { client } = useSession()
  const [wanted, setWanted] = useState({
    name: application?.name ?? '',
    issuer: application?.issuer ?? '',
    rpId: application?.rp_id ?? '',
    origins: application?.origins.join('\n') ?? '',
  })
  const { run, busy, error } = useAction(async () => {
    const name = wanted.name.trim()
    const issuer = wanted.issuer.trim()
    const body = {
      ...(issuer !== '' && { issuer }),
      rp_id: wanted.rpId.trim() || null,
      origins: wanted.origins.split(/\s+/).filter(Boolean),
    }
    if (application === null) await client.call('POST /api/admin/applications', { body: { name, ...body } })
    else await client.call('PATCH /api/admin/applications/:name', { params: { name }, body })
    onDone()
  })
  const field = (name: 'name' | 'issuer' | 'rpId', more: object) => (
    <TextInput
      {...{ label: texts[name], value: wanted[name], withAsterisk: false, ...more }}
      onChange={(event) => setWanted({ ...wanted, [name]: event.currentTarget.value })}
    />
  )
  return (
    <Dialog onClose={onClose} title={application ? texts.changeIt(application.name) : texts.create}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          {application === null && field('name', { required: true, maxLength: 64, 'data-autofocus': true })}
          {field('issuer', {
            ...{ description: texts.issuerHint, maxLength: 64, required: application !== null },
          })}
          {field('rpId', { description: texts.rpIdHint, maxLength: 253 })}
          <Textarea
            {...{ label: texts.origins, description: texts.originsHint, autosize: true, minRows: 2 }}
            {...{ value: wanted.origins, spellCheck: false }}
            onChange={(event) => setWanted({ ...wanted, origins: event.currentTarget.value })}
          />
          <ProblemAlert error={error} />
          <Button type="submit" loading={busy}>
            {application === null ? texts.create : common.save}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
