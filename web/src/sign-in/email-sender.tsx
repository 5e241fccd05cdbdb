import { Button, Text } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useEffect, useRef, useState } from 'react'
import { anonymous } from '../session/pages-client.ts'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'

const pause = 30

interface EmailSenderProps {
  tempToken: string | null
  onGone(error: ProblemError): void
}

/** Sends a code at once, and another when asked to, after a pause. */
export function EmailSender({ tempToken, onGone }: EmailSenderProps) {
  const { verify } = useTexts()
  const { client } = useSession()
  const [minutes, setMinutes] = useState<number | null>(null)
  const [again, setAgain] = useState<number | null>(null)
  const [wait, setWait] = useState(0)
  const { run, busy, error } = useAction(async () => {
    try {
      const answer =
        tempToken === null
          ? await client.call('POST /auth/mfa/email/send', { body: {} })
          : await anonymous.call('POST /auth/mfa/email/send', { body: { temp_token: tempToken } })
      setMinutes(answer.expires_in_minutes)
      setWait(pause)
      setAgain(Date.now() + pause * 1000)
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'invalid_token') return onGone(error)
      throw error
    }
  })
  const first = useRef(run)
  useEffect(() => {
    void first.current()
  }, [])
  useEffect(() => {
    if (again === null) return
    // By the clock: pages that are not looked at count slowly.
    const timer = setInterval(() => {
      const left = Math.max(0, Math.ceil((again - Date.now()) / 1000))
      setWait(left)
      if (left === 0) setAgain(null)
    }, 1000)
    return () => clearInterval(timer)
  }, [again])
  return (
    <>
      <ProblemAlert error={error} />
      <div>
        <Text c="dimmed" role="status">
          {minutes === null ? verify.email : verify.emailSent(minutes)}
        </Text>
        <Button
          {...{ variant: 'subtle', size: 'compact-sm', mt: 6, ml: -8 }}
          loading={busy}
          disabled={wait > 0}
          onClick={() => void run()}
        >
          {wait > 0 ? verify.resendIn(wait) : minutes === null ? verify.send : verify.resend}
        </Button>
      </div>
    </>
  )
}
