import { Alert, Button, Center, Loader, Stack } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import type { ReactNode } from 'react'
import type { Texts } from '../texts/en.ts'
import { useTexts, useTimes } from '../texts/texts.tsx'
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
export function ProblemAlert({ error }: { error: unknown }) {
  const texts = useTexts()
  const times = useTimes()
  if (error === null || error === undefined) return null
  return (
    <Alert color="red" variant="light" icon={<AlertIcon />} role="alert" radius="md">
      {describeProblem(error, texts, (at) => times.clock(at)).map((line) => (
        <div key={line}>{line}</div>
      ))}
    </Alert>
  )
}

function describeProblem(error: unknown, texts: Texts, clock: (at: Date) => string): string[] {
  if (!(error instanceof ProblemError)) {
    const name = error instanceof Error ? error.name : ''
    if (name === 'NotAllowedError') return [texts.verify.keyCancelled]
    if (name === 'SecurityError') return [texts.verify.keyElsewhere]
    return [name === 'InvalidStateError' ? texts.problems.already_exists : texts.problems.internal]
  }
  const known = texts.problems as Partial<Record<string, string>>
  const lines = [known[error.code] ?? error.message]
  // Which rule a password broke, or which field it was.
  if (error.errors.length > 0) lines.push(...error.errors.map(({ message }) => message))
  if (error.retryAt !== null) lines.push(texts.common.tryAgainAt(clock(error.retryAt)))
  else if (error.attemptsLeft !== null && error.attemptsLeft > 0)
    lines.push(texts.verify.attemptsLeft(error.attemptsLeft))
  return lines
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
