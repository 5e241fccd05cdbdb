import { Alert } from '@mantine/core'
import { useTexts } from '../../texts/texts.tsx'
import { AlertIcon } from '../../ui/icons.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { DraftError } from './read-draft.ts'

/** What is wrong with a draft, and where in it. */
export function DraftProblem({ error }: { error: unknown }) {
  const { policies: texts } = useTexts().admin
  if (!(error instanceof DraftError)) return <ProblemAlert error={error} />
  return (
    <Alert color="red" variant="light" icon={<AlertIcon />} role="alert" title={texts.unfit}>
      {error.faults.map(({ line, path, message }) => (
        <div key={`${path} ${message}`}>
          {[line === null ? '' : texts.line(line), path].filter(Boolean).join(' · ')}: {message}
        </div>
      ))}
    </Alert>
  )
}
