import { Button, Stack, Text, TextInput } from '@mantine/core'
import type { Client, ProblemError } from '@sallyport/sdk'
import { type ReactNode, useState } from 'react'
import { anonymous } from '../session/pages-client.ts'
import { useSession } from '../session/session.tsx'
import { isSix, sixDigits } from '../texts/code-lengths.ts'
import { useTexts } from '../texts/texts.tsx'
import { CodeField } from '../ui/code-field.tsx'
import { useHold } from '../ui/dialog.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { Method } from './attempt.ts'
import { EmailSender } from './email-sender.tsx'
import { KeyForm } from './key-form.tsx'
import type { Proof } from './keys.ts'
import type { Mailed } from './mailed.ts'

/** What can be answered here: besides the factors, a pass that the helpdesk gave. */
export type Way = Method | 'pass'

export interface MethodFormProps {
  way: Way
  /** Of the attempt that mail is sent for; `null` for whoever is signed in. */
  tempToken: string | null
  onSubmit(proof: Proof): Promise<void>
  onGone(error: ProblemError): void
  /** The last code that was mailed for it. */
  mailed: Mailed
  /** All ways that there are. */
  ways?: readonly string[]
  /** How many digits the codes of their authenticator apps have, where any has not six. */
  digits?: readonly number[] | undefined
  /** What is to be chosen before it is sent. */
  choice?: ReactNode
}

/** One way of proving it: what to do, where to type it, and what was wrong with what was typed. */
export function MethodForm({ way, ...rest }: MethodFormProps) {
  return way === 'webauthn' ? <KeyForm {...rest} /> : <TypedForm way={way} {...rest} />
}

const sendCode = (client: Client, tempToken: string | null) =>
  tempToken === null
    ? client.call('POST /auth/mfa/email/send', { body: {} })
    : anonymous.call('POST /auth/mfa/email/send', { body: { temp_token: tempToken } })

type TypedFormProps = MethodFormProps & { way: Exclude<MethodFormProps['way'], 'webauthn'> }

function TypedForm({ way, tempToken, onSubmit, onGone, mailed, ways = [], digits, choice }: TypedFormProps) {
  const { verify } = useTexts()
  const { client } = useSession()
  const [code, setCode] = useState('')
  const [wrong, setWrong] = useState(0)
  const { run, busy, error } = useAction(async (given: string) => {
    try {
      // As pasted, with what stood around it; a blank may stand where the code has a hyphen.
      await onSubmit({ code: given.replaceAll(/\s/g, '') })
    } catch (error) {
      setCode('')
      setWrong((count) => count + 1)
      throw error
    }
  })
  // Without an attempt, the proof itself does something at once, such as make new codes.
  useHold(busy && tempToken === null)
  const failed = error !== null && code === ''
  const lengths = way === 'totp' ? (digits ?? sixDigits) : way === 'email' ? sixDigits : null
  const labels = {
    backup: verify.backupCode,
    yubikey: verify.yubikeyCode,
    pass: verify.passCode,
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (code !== '') void run(code)
      }}
    >
      <Stack gap="md">
        {way === 'email' ? (
          <EmailSender {...{ mailed, onGone }} send={() => sendCode(client, tempToken)} />
        ) : (
          <Text c="dimmed">{verify[way]}</Text>
        )}
        <ProblemAlert error={error} ways={ways} />
        {lengths ? (
          <CodeField
            key={wrong}
            label={isSix(lengths) ? verify.code : verify.anyCode}
            lengths={lengths}
            value={code}
            onChange={setCode}
            onComplete={(given) => void run(given)}
            invalid={failed}
            busy={busy}
          />
        ) : (
          <TextInput
            key={wrong}
            label={labels[way as keyof typeof labels]}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            error={failed}
            {...{ autoComplete: 'off', autoCapitalize: 'characters', spellCheck: false, required: true }}
            withAsterisk={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            autoFocus
            data-autofocus
          />
        )}
        {choice}
        <Button type="submit" loading={busy} fullWidth>
          {verify.submit}
        </Button>
      </Stack>
    </form>
  )
}
