import { Button, Stack } from '@mantine/core'
import type { ProblemError } from '@sallyport/sdk'
import { useState } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import type { Attempt } from './attempt.ts'
import { VerifyForm } from './verify-form.tsx'

interface VerifyStepProps {
  attempt: Attempt
  onGranted(): Promise<void>
  onBack(): void
}

/** The second door of a sign-in. */
export function VerifyStep({ attempt, onGranted, onBack }: VerifyStepProps) {
  const { common, verify } = useTexts()
  const [gone, setGone] = useState<ProblemError | null>(null)
  return (
    <Stack gap="lg">
      <PageTitle>{verify.title}</PageTitle>
      {gone ? (
        <>
          <ProblemAlert error={gone} />
          <Button onClick={onBack}>{verify.startAgain}</Button>
        </>
      ) : (
        <>
          <VerifyForm attempt={attempt} takesPass onGranted={onGranted} onGone={setGone} />
          <Button variant="subtle" color="gray" size="sm" onClick={onBack}>
            {common.back}
          </Button>
        </>
      )}
    </Stack>
  )
}
