import { Stack } from '@mantine/core'
import { useState } from 'react'
import { MethodForm } from '../sign-in/method-form.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Choice } from '../ui/choice.tsx'
import { type Status, typedMethods } from './status.ts'

type Typed = ReturnType<typeof typedMethods>[number]

interface ProveFormProps {
  status: Status
  onProof(code: string, method: Typed): Promise<void>
}

/** Proof that travels with the call that needs it. */
export function ProveForm({ status, onProof }: ProveFormProps) {
  const { methods } = useTexts()
  const choices = typedMethods(status)
  const [way, setWay] = useState(choices[0]!)
  return (
    <Stack gap="lg">
      <MethodForm
        key={way}
        way={way}
        tempToken={null}
        onSubmit={(code) => onProof(code, way)}
        onGone={() => undefined}
      />
      <Stack gap="xs">
        {choices
          .filter((other) => other !== way)
          .map((other) => (
            <Choice key={other} method={other} {...methods[other]} onChoose={() => setWay(other)} />
          ))}
      </Stack>
    </Stack>
  )
}
