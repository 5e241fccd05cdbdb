import { Button, Stack, Text } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { anonymous } from '../session/pages-client.ts'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { useHold } from '../ui/dialog.tsx'
import { PasskeyIcon } from '../ui/icons.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import { askForKey } from './keys.ts'
import type { MethodFormProps } from './method-form.tsx'

/** Proof by a passkey or security key: a button, since browsers want to be asked by a hand. */
export function KeyForm({ tempToken, onSubmit, onGone, choice }: Omit<MethodFormProps, 'way' | 'mailed'>) {
  const { verify } = useTexts()
  const { client } = useSession()
  const { run, busy, error } = useAction(async () => {
    try {
      const options =
        tempToken === null
          ? await client.call('POST /auth/mfa/webauthn/options', { body: {} })
          : await anonymous.call('POST /auth/mfa/webauthn/options', { body: { temp_token: tempToken } })
      await onSubmit({ response: await askForKey(options) })
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'invalid_token') return onGone(error)
      throw error
    }
  })
  // Without an attempt, the proof itself does something at once, such as make new codes.
  useHold(busy && tempToken === null)
  return (
    <Stack gap="md">
      <Text c="dimmed" role="status">
        {busy ? verify.webauthnAsked : verify.webauthn}
      </Text>
      <ProblemAlert error={error} />
      {choice}
      <Button
        autoFocus
        data-autofocus
        loading={busy}
        fullWidth
        leftSection={<PasskeyIcon />}
        onClick={() => void run()}
      >
        {verify.useKey}
      </Button>
    </Stack>
  )
}
