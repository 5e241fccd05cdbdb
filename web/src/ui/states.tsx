import { Alert, Button, Center, Loader, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { describeProblem } from '../texts/describe-problem.ts'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { translateFault } from '../texts/translate-fault.ts'
import { AlertIcon } from './icons.tsx'

export function Loading() {
  const { common } = useTexts()
  return (
    <Center mih="12rem" role="status" aria-label={common.loading}>
      <Loader />
    </Center>
  )
}

/** What went wrong, in the reader's language where it is known, and what to do. */
export function ProblemAlert({ error, ways = [] }: { error: unknown; ways?: readonly string[] }) {
  const texts = useTexts()
  const times = useTimes()
  if (error === null || error === undefined) return null
  return (
    <Alert color="red" variant="light" icon={<AlertIcon />} role="alert" radius="md">
      {describeProblem(error, texts, (at) => times.clock(at), ways).map((line) => (
        <div key={line}>{translateFault(line, texts.faults)}</div>
      ))}
    </Alert>
  )
}

/** A page or a part of one that could not be loaded. */
export function Failed({ error, onRetry }: { error: unknown; onRetry(): void }) {
  const { common } = useTexts()
  return (
    <Stack align="flex-start" p="lg">
      <ProblemAlert error={error} />
      <Button variant="default" onClick={onRetry}>
        {common.retry}
      </Button>
    </Stack>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="sp-empty">{children}</p>
}
