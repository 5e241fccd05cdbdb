import { Stack, Text } from '@mantine/core'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProveForm } from './prove-form.tsx'
import type { Status } from './status.ts'

export function TurnOffDialog({ status, onClose }: { status: Status; onClose(): void }) {
  const { security } = useTexts()
  const { client } = useSession()
  return (
    <Dialog onClose={onClose} title={security.turnOffTitle}>
      <Stack gap="lg">
        <Text>{security.turnOffLead}</Text>
        <ProveForm
          status={status}
          onProof={async (proof, method) => {
            await client.call('POST /auth/mfa/disable', { body: { ...proof, method } })
            onClose()
          }}
        />
      </Stack>
    </Dialog>
  )
}
