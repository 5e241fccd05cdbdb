import { Button, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'

interface BlockDialogProps {
  /** Where it is known already. */
  address: string
  onBlocked(): void
  onClose(): void
}

export function BlockDialog({ address, onBlocked, onClose }: BlockDialogProps) {
  const { admin } = useTexts()
  const texts = admin.threats
  const { client } = useSession()
  const [wanted, setWanted] = useState({ ip_address: address, reason: '', duration: '86400' })
  const { run, busy, error } = useAction(async () => {
    const body = { ...wanted, ip_address: wanted.ip_address.trim(), duration: Number(wanted.duration) }
    await client.call('POST /api/security/block-ip', { body })
    onBlocked()
  })
  return (
    <Dialog onClose={onClose} title={texts.blockTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <TextInput
            {...{ label: texts.address, description: texts.addressHint, required: true, withAsterisk: false }}
            {...{ maxLength: 64, value: wanted.ip_address, 'data-autofocus': address === '' || undefined }}
            onChange={(event) => setWanted({ ...wanted, ip_address: event.currentTarget.value })}
          />
          <TextInput
            {...{ label: admin.reason, description: admin.reasonHint, required: true, withAsterisk: false }}
            {...{ maxLength: 200, value: wanted.reason, 'data-autofocus': address !== '' || undefined }}
            onChange={(event) => setWanted({ ...wanted, reason: event.currentTarget.value })}
          />
          <NativeSelect
            {...{ label: texts.duration, size: 'md', value: wanted.duration }}
            data={Object.entries(texts.durations).map(([value, label]) => ({ value, label }))}
            onChange={(event) => setWanted({ ...wanted, duration: event.currentTarget.value })}
          />
          <ProblemAlert error={error} />
          <Button type="submit" color="red.8" loading={busy}>
            {texts.block}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
