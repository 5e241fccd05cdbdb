import { Alert, Button, Checkbox, Collapse, Stack } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useState } from 'react'
import { anonymous } from '../session/pages-client.ts'
import { useTexts } from '../texts/texts.tsx'
import { Choice } from '../ui/choice.tsx'
import { AlertIcon, CheckIcon } from '../ui/icons.tsx'
import { Steps } from '../ui/steps.tsx'
import { type Attempt, type Chain, firstMethod, type Method, rememberMethod } from './attempt.ts'
import type { Proof } from './keys.ts'
import { MethodForm } from './method-form.tsx'

/** What can be answered here: besides the factors, a pass that the helpdesk gave. */
type Way = Method | 'pass'

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
  const { methods, verify } = useTexts()
  const [chain, setChain] = useState(attempt.chain)
  const [way, setWay] = useState<Way>(() => firstMethod(attempt.chain.expected, attempt.mfa_method))
  const [notice, setNotice] = useState<'passed' | 'reset' | null>(null)
  const [turn, setTurn] = useState(0)
  const [othersShown, setOthersShown] = useState(false)
  const [remembered, setRemembered] = useState(false)
  const days = attempt.remember_days

  function goTo(next: Chain, said: 'passed' | 'reset') {
    setChain(next)
    setWay(firstMethod(next.expected, attempt.mfa_method))
    setNotice(said)
    setTurn(turn + 1)
    setOthersShown(false)
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
        if (answer.mfa_required) return goTo(answer.chain, 'passed')
      }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      if (error.code === 'invalid_token') return onGone(error)
      if (error.code === 'chain_reset') return goTo(error.problem.chain as Chain, 'reset')
      setNotice(null)
      throw error
    }
    await onGranted()
  }

  const ways: readonly Way[] = takesPass ? [...chain.expected, 'pass'] : chain.expected
  const others = ways.filter((other) => other !== way)
  return (
    <Stack gap="lg">
      {chain.of > 1 && <Steps {...chain} />}
      <div>
        <div aria-live="polite">
          {notice === 'passed' && (
            <Alert color="accent" variant="light" icon={<CheckIcon />} mb="lg">
              {verify.passed}
            </Alert>
          )}
          {notice === 'reset' && (
            <Alert color="orange" variant="light" icon={<AlertIcon />} mb="lg">
              {verify.reset}
            </Alert>
          )}
        </div>
        <MethodForm
          key={`${way} ${turn}`}
          way={way}
          tempToken={attempt.temp_token}
          onSubmit={submit}
          onGone={onGone}
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
      {others.length > 0 && (
        <div>
          <Button
            variant="subtle"
            fullWidth
            aria-expanded={othersShown}
            onClick={() => setOthersShown(!othersShown)}
          >
            {verify.others}
          </Button>
          <Collapse expanded={othersShown}>
            <Stack gap="xs" pt="sm">
              {others.map((other) => (
                <Choice
                  key={other}
                  method={other}
                  {...methods[other]}
                  onChoose={() => {
                    setWay(other)
                    setOthersShown(false)
                    setNotice(null)
                  }}
                />
              ))}
            </Stack>
          </Collapse>
        </div>
      )}
    </Stack>
  )
}
