import { Button, Stack } from '@mantine/core'
import type { Client } from '@sallyport/sdk'
import { useState } from 'react'
import { isSix, sixDigits } from '../texts/code-lengths.ts'
import { useTexts } from '../texts/texts.tsx'
import { CodeField } from '../ui/code-field.tsx'
import { useHold } from '../ui/dialog.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { Enrolled } from './enrolled.ts'

interface ConfirmCodeProps {
  client: Client
  /** The enrolment that the code is for; the newest one where it has no name. */
  enrolmentId?: string
  /** How many digits it may have. */
  lengths?: readonly number[]
  onEnrolled(enrolled: Enrolled): void
}

/** The code that confirms an enrolment. */
export function ConfirmCode({ client, enrolmentId, lengths = sixDigits, onEnrolled }: ConfirmCodeProps) {
  const { verify } = useTexts()
  const [code, setCode] = useState('')
  const [wrong, setWrong] = useState(0)
  const { run, busy, error } = useAction(async (given: string) => {
    try {
      const named = enrolmentId === undefined ? {} : { enrolment_id: enrolmentId }
      onEnrolled(await client.call('POST /auth/mfa/enroll/verify', { body: { code: given, ...named } }))
    } catch (error) {
      setCode('')
      setWrong((count) => count + 1)
      throw error
    }
  })
  useHold(busy)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (code !== '') void run(code)
      }}
    >
      <Stack gap="md">
        <CodeField
          key={wrong}
          label={isSix(lengths) ? verify.code : verify.anyCode}
          lengths={lengths}
          value={code}
          onChange={setCode}
          onComplete={(given) => void run(given)}
          invalid={error !== null && code === ''}
          busy={busy}
        />
        <ProblemAlert error={error} />
        <Button type="submit" loading={busy} fullWidth>
          {verify.submit}
        </Button>
      </Stack>
    </form>
  )
}
