import { Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface SectionProps {
  title: string
  lead?: string
  /** What can be done with all of it. */
  action?: ReactNode
  children: ReactNode
}

/** One part of a page, on a surface of its own. */
export function Section({ title, lead, action, children }: SectionProps) {
  const id = useId()
  return (
    <section aria-labelledby={id} className="sp-section">
      <div className="sp-section-head">
        <div>
          <Title order={2} id={id}>
            {title}
          </Title>
          {lead !== undefined && <p className="sp-lead">{lead}</p>}
        </div>
        {action}
      </div>
      <div className="sp-surface">{children}</div>
    </section>
  )
}
