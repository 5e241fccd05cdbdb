import { Badge } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import type { Loaded } from '../../ui/use-load.ts'
import { Person, useNames } from '../names.tsx'

export type ThreatEvent = Answer<'GET /api/security/events'>['items'][number]

const colours = { low: 'gray', medium: 'orange', high: 'red', critical: 'red' }

interface LiveSectionProps {
  latest: Loaded<unknown> & { reload(): Promise<void> }
  events: ThreatEvent[]
  listening: boolean
}

/** Events as they happen, the newest on top. */
export function LiveSection({ latest, events, listening }: LiveSectionProps) {
  const { threats: texts } = useTexts().admin
  const times = useTimes()
  const names = useNames(events.map(({ subject }) => subject))
  return (
    <Section
      title={texts.live}
      action={
        <span role="status">
          <span className="sp-dot" data-on={listening} /> {listening ? texts.listening : texts.waiting}
        </span>
      }
    >
      {latest.status === 'loading' && <Loading />}
      {latest.status === 'failed' && <Failed error={latest.error} onRetry={latest.reload} />}
      {latest.status === 'loaded' && events.length === 0 && <Empty>{texts.noEvents}</Empty>}
      {events.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        <section className="sp-live" tabIndex={0} aria-label={texts.live}>
          <ul className="sp-list">
            {events.map(({ id, at, type, severity, ip_address: address, subject, details }) => (
              <li key={id} className="sp-row">
                <div>
                  <div className="sp-row-title">
                    {texts.types[type as keyof typeof texts.types] ?? type}
                    <Badge variant="light" tt="none" color={colours[severity]}>
                      {texts.severities[severity]}
                    </Badge>
                  </div>
                  <div className="sp-row-detail">
                    {subject !== null && (
                      <>
                        <Person id={subject} names={names} /> ·{' '}
                      </>
                    )}
                    {[address, times.moment(at), describe(details)].filter(Boolean).join(' · ')}
                  </div>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Section>
  )
}

const describe = (details: Record<string, unknown>) =>
  Object.entries(details)
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join(', ')
