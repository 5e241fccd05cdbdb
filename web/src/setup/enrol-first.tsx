import { createClient } from '@sallyport/sdk'
import { useMemo, useState } from 'react'
import type { Attempt } from '../sign-in/attempt.ts'
import { useTexts } from '../texts/texts.tsx'
import type { Enrolled } from './enrolled.ts'
import { SetupWizard } from './setup-wizard.tsx'

interface EnrolFirstProps {
  /** Of a session that may only enrol. */
  token: string
  email: string | null
  onSignedIn(): Promise<void>
  /** The sign-in goes on with another step of its chain. */
  onAttempt(attempt: Attempt): void
  /** Enrolled, but for another reason not let in: the sign-in has to begin anew. */
  onBegin(): void
}

/** The wizard for somebody who is let in once a factor is enrolled. */
export function EnrolFirst({ token, email, onSignedIn, onAttempt, onBegin }: EnrolFirstProps) {
  const { wizard } = useTexts()
  const [current, setCurrent] = useState(token)
  const client = useMemo(() => createClient({ token: () => current }), [current])

  function onDone(enrolled: Enrolled) {
    const { temp_token, mfa_method, chain, remember_days, enrollment_token: another } = enrolled
    if (enrolled.access_token !== undefined) void onSignedIn()
    else if (temp_token !== undefined && mfa_method !== undefined && chain !== undefined)
      onAttempt({ temp_token, mfa_method, chain, ...(remember_days !== undefined && { remember_days }) })
    else if (another !== undefined) setCurrent(another)
    else onBegin()
  }

  return <SetupWizard key={current} client={client} email={email} lead={wizard.required} onDone={onDone} />
}
