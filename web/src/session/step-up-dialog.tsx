import { Stack, Text } from '@mantine/core'
import type { Client } from '@sallyport/sdk'
import { useState } from 'react'
import { VerifyForm } from '../sign-in/verify-form.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Failed, Loading, ProblemAlert } from '../ui/states.tsx'
import { useLoad } from '../ui/use-load.ts'

interface StepUpDialogProps {
  client: Client
  onGiven(): void
  onCancel(): void
}

/** Asks for fresh proof, for whatever was about to be done. */
export function StepUpDialog({ client, onGiven, onCancel }: StepUpDialogProps) {
  const { verify } = useTexts()
  const [turn, setTurn] = useState(0)
  const [gone, setGone] = useState<unknown>(null)
  const attempt = useLoad(String(turn), () => client.call('POST /auth/step-up'))
  return (
    <Dialog onClose={onCancel} title={verify.again}>
      <Stack gap="md">
        <Text c="dimmed">{verify.againLead}</Text>
        <ProblemAlert error={gone} />
        {attempt.status === 'loading' && <Loading />}
        {attempt.status === 'failed' && <Failed error={attempt.error} onRetry={attempt.reload} />}
        {attempt.status === 'loaded' && (
          <VerifyForm
            key={attempt.data.temp_token}
            attempt={attempt.data}
            takesPass={false}
            onGranted={async () => onGiven()}
            onGone={(error) => {
              setGone(error)
              setTurn(turn + 1)
            }}
          />
        )}
      </Stack>
    </Dialog>
  )
}
