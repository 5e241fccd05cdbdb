import { Alert, Button, Text } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useEffect, useRef, useState } from 'react'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import { type Mailed, pause } from './mailed.ts'

interface EmailSenderProps {
  /** What was sent before this was drawn: a new code would void it. */
  mailed: Mailed
  send(): Promise<{ expires_in_minutes: number }>
  /** What to say instead once a code is on its way. */
  lead?: string
  onGone?(error: ProblemError): void
}

/** Sends a code at once, unless there is one in force, and another when asked to, after a pause. */
export function EmailSender({ mailed, send, lead, onGone }: EmailSenderProps) {
  const { verify } = useTexts()
  const times = useTimes()
  const [fresh, setFresh] = useState(false)
  const [wait, setWait] = useState(mailed.wait())
  const { run, busy, error } = useAction(async () => {
    try {
      mailed.note((await send()).expires_in_minutes)
      setFresh(true)
      setWait(pause)
    } catch (error) {
      if (onGone && error instanceof ProblemError && error.code === 'invalid_token') return onGone(error)
      throw error
    }
  })
  const first = useRef(run)
  useEffect(() => {
    if (mailed.isDue()) void first.current()
  }, [mailed])
  const waiting = wait > 0
  useEffect(() => {
    if (!waiting) return
    // By the clock: pages that are not looked at count slowly.
    const timer = setInterval(() => setWait(mailed.wait()), 1000)
    return () => clearInterval(timer)
  }, [waiting, mailed])

  const { last } = mailed
  function said(): string {
    if (last === null) return verify.email
    if (fresh) return lead ?? verify.emailSent(last.minutes)
    return last.used ? verify.emailUsed : verify.emailLast(times.clock(mailed.until()))
  }
  const stopped = error instanceof ProblemError && error.code === 'too_many_attempts' ? error.retryAt : null
  return (
    <>
      {stopped ? (
        <Alert color="orange" variant="light" role="alert" radius="md">
          {verify.emailStopped(times.clock(stopped))}
        </Alert>
      ) : (
        <ProblemAlert error={error} />
      )}
      <div>
        <Text c="dimmed" role="status">
          {said()}
        </Text>
        <Button
          {...{ variant: 'subtle', size: 'compact-sm', mt: 6, ml: -8 }}
          loading={busy}
          disabled={waiting}
          onClick={() => void run()}
        >
          {waiting ? verify.resendIn(wait) : last === null ? verify.send : verify.resend}
        </Button>
      </div>
    </>
  )
}
