import { Alert } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useTexts } from '../../texts/texts.tsx'
import { AlertIcon } from '../../ui/icons.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { NotJson } from './read-draft.ts'

/** What is wrong with a draft, and where in it. */
export function DraftProblem({ error }: { error: unknown }) {
  const texts = useTexts()
  const lines =
    error instanceof NotJson
      ? [texts.admin.policies.notJson(error.message)]
      : error instanceof ProblemError && error.errors.length > 0
        ? error.errors.map(({ path, message }) => `${path}: ${message}`)
        : null
  if (lines === null) return <ProblemAlert error={error} />
  return (
    <Alert color="red" variant="light" icon={<AlertIcon />} role="alert">
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </Alert>
  )
}
