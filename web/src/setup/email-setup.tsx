import { Stack } from '@mantine/core'
import { EmailSender } from '../sign-in/email-sender.tsx'
import { useTexts } from '../texts/texts.tsx'
import { ConfirmCode } from './confirm-code.tsx'
import type { SetupStepProps } from './enrolled.ts'

/** The account's own address: a code goes there, and comes back. */
export function EmailSetup({ client, email, mailed, onEnrolled }: SetupStepProps) {
  const { setup } = useTexts()
  return (
    <Stack gap="lg">
      <div>
        <EmailSender
          mailed={mailed}
          send={() => client.call('POST /auth/mfa/enroll/email')}
          lead={setup.email.lead(email)}
        />
      </div>
      <ConfirmCode client={client} onEnrolled={(enrolled) => onEnrolled(enrolled, [])} />
    </Stack>
  )
}
