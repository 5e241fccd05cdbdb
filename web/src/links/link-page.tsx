import { Anchor, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { type FormEvent, lazy, type ReactNode, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { anonymous } from '../session/pages-client.ts'
import { useSession } from '../session/session.tsx'
import type { Attempt } from '../sign-in/attempt.ts'
import { useTexts } from '../texts/texts.tsx'
import { GateFrame } from '../ui/gate-frame.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'

const EnrolFirst = lazy(async () => ({ default: (await import('../setup/enrol-first.tsx')).EnrolFirst }))
const VerifyStep = lazy(async () => ({ default: (await import('../sign-in/verify-step.tsx')).VerifyStep }))

/** The token is in the fragment, which never leaves the browser. */
const tokenHere = () => new URLSearchParams(location.hash.slice(1)).get('token')

/** What the printed and the mailed links open. */
export function LinkPage({ page }: { page: string }) {
  const [token] = useState(tokenHere)
  // Once it is read, the address forgets it: nobody copies it from there.
  useEffect(() => {
    if (token !== null) history.replaceState(history.state, '', location.pathname)
  }, [token])
  if (page === 'forgot') return <ForgotPage />
  if (token === null) return <DeadLink>{(texts) => texts.broken}</DeadLink>
  if (page === 'setup') return <NewPassword kind="firstAdmin" token={token} />
  if (page === 'invitation') return <NewPassword kind="invitation" token={token} />
  if (page === 'reset') return <NewPassword kind="reset" token={token} />
  return <EnrolPage token={token} />
}

function NewPassword({ kind, token }: { kind: 'firstAdmin' | 'invitation' | 'reset'; token: string }) {
  const { links, signIn } = useTexts()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [done, setDone] = useState(false)
  const { run, busy, error } = useAction(async () => {
    if (kind === 'reset')
      await anonymous.call('POST /auth/password/reset/confirm', { body: { token, new_password: password } })
    else {
      const body = { token, password, ...(kind === 'firstAdmin' && { email }) }
      await anonymous.call('POST /auth/invitation/accept', { body })
    }
    setDone(true)
  })
  if (isDead(error)) return <DeadLink>{(texts) => texts.dead}</DeadLink>
  if (done) return <Done title={links[kind].title}>{links[kind].done}</Done>
  return (
    <FormPage
      title={links[kind].title}
      lead={links[kind].lead}
      submit={links[kind].submit}
      {...{ busy, error, run }}
    >
      {kind === 'firstAdmin' && (
        <TextInput
          {...{ label: signIn.email, type: 'email', autoComplete: 'username', required: true }}
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
      )}
      <PasswordInput
        {...{ label: links.password, description: links.passwordHint, autoComplete: 'new-password' }}
        {...{ required: true, withAsterisk: false, minLength: 12 }}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </FormPage>
  )
}

function ForgotPage() {
  const { links, signIn } = useTexts()
  const [email, setEmail] = useState('')
  const [done, setDone] = useState(false)
  const { run, busy, error } = useAction(async () => {
    await anonymous.call('POST /auth/password/reset/request', { body: { email } })
    setDone(true)
  })
  const { title, lead, submit } = links.forgot
  if (done) return <Done title={title}>{links.forgot.done}</Done>
  return (
    <FormPage {...{ title, lead, submit, busy, error, run }}>
      <TextInput
        {...{ label: signIn.email, type: 'email', autoComplete: 'username', required: true }}
        withAsterisk={false}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
    </FormPage>
  )
}

function EnrolPage({ token }: { token: string }) {
  const { links, signIn } = useTexts()
  const { enter } = useSession()
  const [, navigate] = useLocation()
  const [password, setPassword] = useState('')
  const [enrolling, setEnrolling] = useState<string | null>(null)
  const [attempt, setAttempt] = useState<Attempt | null>(null)
  const { run, busy, error } = useAction(async () => {
    const answer = await anonymous.call('POST /auth/enrolment-link/accept', { body: { token, password } })
    setEnrolling(answer.enrollment_token)
  })
  const onSignedIn = async () => {
    await enter()
    navigate('/settings/security')
  }
  const begin = () => navigate('/sign-in')
  if (attempt !== null) {
    return (
      <GateFrame>
        <VerifyStep attempt={attempt} onGranted={onSignedIn} onBack={begin} />
      </GateFrame>
    )
  }
  if (enrolling !== null) {
    return (
      <GateFrame wide>
        <EnrolFirst
          {...{ token: enrolling, email: null, onSignedIn, onAttempt: setAttempt, onBegin: begin }}
        />
      </GateFrame>
    )
  }
  if (isDead(error)) return <DeadLink>{(texts) => texts.dead}</DeadLink>
  const { title, lead, submit } = links.enrol
  return (
    <FormPage {...{ title, lead, submit, busy, error, run }}>
      <PasswordInput
        {...{ label: signIn.password, autoComplete: 'current-password', required: true, withAsterisk: false }}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </FormPage>
  )
}

const isDead = (error: unknown) => error instanceof ProblemError && error.code === 'invalid_token'

interface FormPageProps {
  title: string
  lead: string
  submit: string
  busy: boolean
  error: unknown
  run(): Promise<void>
  children: ReactNode
}

function FormPage({ title, lead, submit, busy, error, run, children }: FormPageProps) {
  const { common } = useTexts()
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void run()
  }
  return (
    <GateFrame>
      <form onSubmit={onSubmit}>
        <Stack gap="lg">
          <PageTitle lead={lead}>{title}</PageTitle>
          <ProblemAlert error={error} />
          {children}
          <Button type="submit" loading={busy} fullWidth>
            {submit}
          </Button>
          <Group justify="center">
            <Anchor component={Link} href="/sign-in" size="sm">
              {common.toSignIn}
            </Anchor>
          </Group>
        </Stack>
      </form>
    </GateFrame>
  )
}

function Done({ title, children }: { title: string; children: string }) {
  const { common } = useTexts()
  return (
    <GateFrame>
      <Stack gap="lg">
        <PageTitle>{title}</PageTitle>
        <Text role="status">{children}</Text>
        <Button component={Link} href="/sign-in">
          {common.toSignIn}
        </Button>
      </Stack>
    </GateFrame>
  )
}

function DeadLink({ children }: { children(texts: ReturnType<typeof useTexts>['links']): string }) {
  const { links, common } = useTexts()
  return (
    <GateFrame>
      <Stack gap="lg">
        <PageTitle lead={children(links)}>{links.deadTitle}</PageTitle>
        <Button component={Link} href="/sign-in">
          {common.toSignIn}
        </Button>
      </Stack>
    </GateFrame>
  )
}
