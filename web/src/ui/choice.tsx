import { Badge, UnstyledButton } from '@mantine/core'
import type { ComponentProps } from 'react'
import { ChevronIcon } from './icons.tsx'
import { MethodIcon } from './method-icon.tsx'

interface ChoiceProps {
  method: ComponentProps<typeof MethodIcon>['method']
  name: string
  hint: string
  badge?: string
  onChoose(): void
}

/** One way among several, as a row to press. */
export function Choice({ method, name, hint, badge, onChoose }: ChoiceProps) {
  return (
    <UnstyledButton className="sp-choice" onClick={onChoose}>
      <MethodIcon method={method} />
      <span className="sp-choice-text">
        <span className="sp-choice-name">
          {name}
          {badge !== undefined && (
            <Badge variant="light" size="sm" tt="none">
              {badge}
            </Badge>
          )}
        </span>
        <span className="sp-choice-hint">{hint}</span>
      </span>
      <ChevronIcon size={18} />
    </UnstyledButton>
  )
}
