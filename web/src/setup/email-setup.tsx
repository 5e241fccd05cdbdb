import { Stack, Text } from '@mantine/core'
import { useTexts } from '../texts/texts.tsx'
import { Failed, Loading } from '../ui/states.tsx'
import { useLoad } from '../ui/use-load.ts'
import { ConfirmCode } from './confirm-code.tsx'
import type { SetupStepProps } from './enrolled.ts'

/** The account's own address: a code goes there, and comes back. */
export function EmailSetup({ client, email, onEnrolled }: SetupStepProps) {
  const { setup } = useTexts()
  const begun = useLoad('', () => client.call('POST /auth/mfa/enroll/email'))
  if (begun.status === 'loading') return <Loading />
  if (begun.status === 'failed') return <Failed error={begun.error} onRetry={begun.reload} />
  return (
    <Stack gap="lg">
      <Text>{setup.email.lead(email)}</Text>
      <ConfirmCode client={client} onEnrolled={(enrolled) => onEnrolled(enrolled, [])} />
    </Stack>
  )
}
