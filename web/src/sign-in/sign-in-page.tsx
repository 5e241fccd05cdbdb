import { Alert, Anchor, Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { type FormEvent, lazy, startTransition, useState } from 'react'
import { Link } from 'wouter'
import { offers } from '../session/offers.ts'
import { anonymous } from '../session/pages-client.ts'
import { useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { GateFrame } from '../ui/gate-frame.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { Attempt } from './attempt.ts'
import { PasskeyButton } from './passkey-button.tsx'

const EnrolFirst = lazy(async () => ({ default: (await import('../setup/enrol-first.tsx')).EnrolFirst }))
const VerifyStep = lazy(async () => ({ default: (await import('./verify-step.tsx')).VerifyStep }))

type Stage =
  | { at: 'password' }
  | { at: 'verify'; attempt: Attempt }
  /** The account must enrol a factor before it is let in. */
  | { at: 'enrol'; token: string; email: string }

export function SignInPage({ ended }: { ended: boolean }) {
  const { enter } = useSession()
  const [stage, setStage] = useState<Stage>({ at: 'password' })
  // The form stays until what comes after it is loaded.
  const goTo = (next: Stage) => startTransition(() => setStage(next))

  async function onAnswer(answer: Answer<'POST /auth/login'>, email: string) {
    if (answer.mfa_required) goTo({ at: 'verify', attempt: answer })
    else if ('enrollment_token' in answer) goTo({ at: 'enrol', token: answer.enrollment_token, email })
    else await enter()
  }

  if (stage.at === 'enrol') {
    return (
      <GateFrame wide>
        <EnrolFirst
          token={stage.token}
          email={stage.email}
          onSignedIn={enter}
          onAttempt={(attempt) => goTo({ at: 'verify', attempt })}
          onBegin={() => setStage({ at: 'password' })}
        />
      </GateFrame>
    )
  }
  return (
    <GateFrame>
      {stage.at === 'verify' ? (
        <VerifyStep attempt={stage.attempt} onGranted={enter} onBack={() => setStage({ at: 'password' })} />
      ) : (
        <PasswordStep ended={ended} onAnswer={onAnswer} />
      )}
    </GateFrame>
  )
}

interface PasswordStepProps {
  ended: boolean
  onAnswer(answer: Answer<'POST /auth/login'>, email: string): Promise<void>
}

function PasswordStep({ ended, onAnswer }: PasswordStepProps) {
  const { signIn } = useTexts()
  const { enter } = useSession()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const { run, busy, error } = useAction(async () => {
    const answer = await anonymous.call('POST /auth/login', { body: { email, password } })
    await onAnswer(answer, email)
  })
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return (
    <form onSubmit={onSubmit}>
      <Stack gap="lg">
        <PageTitle lead={signIn.lead}>{signIn.title}</PageTitle>
        {ended && error === null && (
          <Alert color="accent" variant="light" role="status">
            {signIn.ended}
          </Alert>
        )}
        <ProblemAlert error={error} />
        <TextInput
          label={signIn.email}
          type="email"
          name="email"
          autoComplete="username webauthn"
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          autoFocus
        />
        <PasswordInput
          label={signIn.password}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy} fullWidth>
          {signIn.submit}
        </Button>
        {offers('passkey') && <PasskeyButton onGranted={enter} />}
        <Group justify="center">
          <Anchor component={Link} href="/forgot" size="sm">
            {signIn.forgot}
          </Anchor>
        </Group>
      </Stack>
    </form>
  )
}
