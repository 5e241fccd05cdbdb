import { Modal, Stack, Text } from '@mantine/core'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { ProveForm } from './prove-form.tsx'
import type { Status } from './status.ts'

export function TurnOffDialog({ status, onClose }: { status: Status; onClose(): void }) {
  const { security, common } = useTexts()
  const { client } = useSession()
  return (
    <Modal
      opened
      onClose={onClose}
      title={security.turnOffTitle}
      closeButtonProps={{ 'aria-label': common.close }}
    >
      <Stack gap="lg">
        <Text>{security.turnOffLead}</Text>
        <ProveForm
          status={status}
          onProof={async (code, method) => {
            await client.call('POST /auth/mfa/disable', { body: { code, method } })
            onClose()
          }}
        />
      </Stack>
    </Modal>
  )
}
