import { Button, Collapse, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { Choice } from '../ui/choice.tsx'
import type { Way } from './method-form.tsx'

/** As many as are taken in at a glance; more wait until they are asked for. */
const few = 3

export function OtherWays({ ways, onChoose }: { ways: readonly Way[]; onChoose(way: Way): void }) {
  const { methods, verify } = useTexts()
  const [shown, setShown] = useState(false)
  if (ways.length === 0) return null
  const choices = (
    <Stack gap="xs" pt="xs">
      {ways.map((way) => (
        <Choice
          key={way}
          method={way}
          {...methods[way]}
          onChoose={() => {
            setShown(false)
            onChoose(way)
          }}
        />
      ))}
    </Stack>
  )
  if (ways.length <= few)
    return (
      <div>
        <Text size="sm" c="dimmed">
          {verify.others}
        </Text>
        {choices}
      </div>
    )
  return (
    <div>
      <Button variant="subtle" fullWidth aria-expanded={shown} onClick={() => setShown(!shown)}>
        {verify.others}
      </Button>
      <Collapse expanded={shown}>{choices}</Collapse>
    </div>
  )
}
