import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { makeKey } from '../sign-in/keys.ts'
import { useTexts } from '../texts/texts.tsx'
import { useHold } from '../ui/dialog.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { SetupStepProps } from './enrolled.ts'

/** A passkey or security key: the browser makes it, for this address alone. */
export function WebauthnSetup({ client, onEnrolled }: SetupStepProps) {
  const { setup, verify } = useTexts()
  const [name, setName] = useState(setup.webauthn.preset)
  const { run, busy, error } = useAction(async () => {
    const options = await client.call('POST /auth/mfa/enroll/webauthn/options', { body: { name } })
    const body = { response: await makeKey(options) }
    const enrolled = await client.call('POST /auth/mfa/enroll/webauthn/verify', { body })
    onEnrolled(enrolled, enrolled.backup_codes ?? [])
  })
  useHold(busy)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      <Stack gap="md">
        <Text c="dimmed" role="status">
          {busy ? verify.webauthnAsked : setup.webauthn.lead}
        </Text>
        <TextInput
          {...{ label: setup.name, maxLength: 64, required: true, withAsterisk: false }}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <ProblemAlert error={error} />
        <Button type="submit" loading={busy}>
          {setup.webauthn.begin}
        </Button>
      </Stack>
    </form>
  )
}
