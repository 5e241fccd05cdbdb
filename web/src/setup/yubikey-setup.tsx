import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { SetupStepProps } from './enrolled.ts'

/** A YubiKey: one touch types the code that registers it. */
export function YubikeySetup({ client, onEnrolled }: SetupStepProps) {
  const { setup, verify } = useTexts()
  const [name, setName] = useState(setup.yubikey.preset)
  const [otp, setOtp] = useState('')
  const { run, busy, error } = useAction(async () => {
    try {
      onEnrolled(await client.call('POST /auth/mfa/enroll/yubikey', { body: { otp, name } }), [])
    } catch (error) {
      // Each touch is good for one try.
      setOtp('')
      throw error
    }
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      <Stack gap="md">
        <Text c="dimmed">{setup.yubikey.lead}</Text>
        <TextInput
          {...{ label: setup.name, maxLength: 64, required: true, withAsterisk: false }}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          {...{ label: verify.yubikeyCode, autoComplete: 'off', spellCheck: false, required: true }}
          withAsterisk={false}
          value={otp}
          autoFocus
          onChange={(event) => setOtp(event.currentTarget.value)}
        />
        <ProblemAlert error={error} />
        <Button type="submit" loading={busy}>
          {verify.submit}
        </Button>
      </Stack>
    </form>
  )
}
