import { Alert, Button, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useDeferredValue, useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction, useLoad } from '../../ui/use-load.ts'

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
  const ip = useDeferredValue(wanted.ip_address.trim())
  // What is half typed is no address yet: whatever is wrong with it is said when it is sent.
  const known = useLoad(ip, async () =>
    ip === '' ? null : client.call('GET /api/security/check-ip/:ip', { params: { ip } }).catch(() => null),
  )
  const spared = known.status === 'loaded' ? (known.data?.spared ?? null) : null
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
          {spared !== null && (
            <Alert color="orange" variant="light" role="status">
              {texts.spared[spared]}
            </Alert>
          )}
          <ProblemAlert error={error} />
          <Button type="submit" color="red.8" loading={busy} disabled={spared === 'always'}>
            {texts.block}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}
