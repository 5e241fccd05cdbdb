import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { Proof } from '../sign-in/keys.ts'
import { createMailed } from '../sign-in/mailed.ts'
import { MethodForm } from '../sign-in/method-form.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Choice } from '../ui/choice.tsx'
import { provingMethods, type Status } from './status.ts'

type Kind = ReturnType<typeof provingMethods>[number]

interface ProveFormProps {
  status: Status
  onProof(proof: Proof, method: Kind): Promise<void>
}

/** Proof that travels with the call that needs it. */
export function ProveForm({ status, onProof }: ProveFormProps) {
  const { methods } = useTexts()
  const choices = provingMethods(status)
  const [way, setWay] = useState(choices[0]!)
  const [mailed] = useState(createMailed)
  return (
    <Stack gap="lg">
      <MethodForm
        key={way}
        way={way}
        tempToken={null}
        mailed={mailed}
        digits={status.digits}
        onSubmit={(proof) => onProof(proof, way)}
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
