import { Alert, Checkbox, Stack } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useState } from 'react'
import { anonymous } from '../session/pages-client.ts'
import { describeWait } from '../texts/describe-problem.ts'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { AlertIcon, CheckIcon } from '../ui/icons.tsx'
import { Steps } from '../ui/steps.tsx'
import { type Attempt, type Chain, firstMethod, rememberMethod } from './attempt.ts'
import type { Proof } from './keys.ts'
import { createMailed } from './mailed.ts'
import { MethodForm, type Way } from './method-form.tsx'
import { OtherWays } from './other-ways.tsx'

interface VerifyFormProps {
  attempt: Attempt
  /** Whether a helpdesk's pass counts: it opens a sign-in, and proves nothing. */
  takesPass: boolean
  onGranted(): Promise<void>
  /** The attempt is over: too late, or finished elsewhere. */
  onGone(error: ProblemError): void
}

/** Walks an attempt to its end: one step after another, each in whichever way it takes. */
export function VerifyForm({ attempt, takesPass, onGranted, onGone }: VerifyFormProps) {
  const texts = useTexts()
  const { verify } = texts
  const times = useTimes()
  const [chain, setChain] = useState(attempt.chain)
  const [way, setWay] = useState<Way>(() => firstMethod(attempt.chain.expected, attempt.mfa_method))
  const [notice, setNotice] = useState<'passed' | ProblemError | null>(null)
  const [mailed] = useState(createMailed)
  const [turn, setTurn] = useState(0)
  const [remembered, setRemembered] = useState(false)
  const days = attempt.remember_days

  function goTo(next: Chain, said: 'passed' | ProblemError) {
    setChain(next)
    setWay(firstMethod(next.expected, attempt.mfa_method))
    setNotice(said)
    setTurn(turn + 1)
  }

  /** Rejects with what the form shall say; what ends or moves the attempt is dealt with here. */
  async function submit(proof: Proof): Promise<void> {
    const { temp_token } = attempt
    try {
      if (way === 'pass' && 'code' in proof)
        await anonymous.call('POST /auth/mfa/pass', { body: { temp_token, pass: proof.code } })
      else if (way !== 'pass') {
        const body = { temp_token, ...proof, method: way, ...(remembered && { remember_device: true }) }
        const answer = await anonymous.call('POST /auth/mfa/verify', { body })
        rememberMethod(way)
        if (way === 'email') mailed.use()
        if (answer.mfa_required) return goTo(answer.chain, 'passed')
      }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      if (error.code === 'invalid_token') return onGone(error)
      if (error.code === 'chain_reset') return goTo(error.problem.chain as Chain, error)
      setNotice(null)
      throw error
    }
    await onGranted()
  }

  const ways: readonly Way[] = takesPass ? [...chain.expected, 'pass'] : chain.expected
  return (
    <Stack gap="lg">
      {chain.of > 1 && <Steps {...chain} />}
      <div>
        <div aria-live="polite">
          {notice === 'passed' && (
            <Alert color="accent" variant="light" icon={<CheckIcon />} mb="lg">
              {verify.passed(chain.step - 1, chain.of)}
            </Alert>
          )}
          {notice instanceof ProblemError && (
            <Alert color="orange" variant="light" icon={<AlertIcon />} mb="lg">
              {[verify.reset(chain.of), ...describeWait(notice, texts, times.clock, ways)].map((line) => (
                <div key={line}>{line}</div>
              ))}
            </Alert>
          )}
        </div>
        <MethodForm
          key={`${way} ${turn}`}
          way={way}
          tempToken={attempt.temp_token}
          onSubmit={submit}
          onGone={onGone}
          {...{ ways, mailed }}
          digits={chain.digits}
          choice={
            // A pass opens one sign-in, and founds no trust.
            days !== undefined &&
            way !== 'pass' && (
              <Checkbox
                label={verify.remember(days)}
                checked={remembered}
                onChange={(event) => setRemembered(event.currentTarget.checked)}
              />
            )
          }
        />
      </div>
      <OtherWays
        key={`others ${turn}`}
        ways={ways.filter((other) => other !== way)}
        onChoose={(other) => {
          setWay(other)
          setNotice(null)
        }}
      />
    </Stack>
  )
}
