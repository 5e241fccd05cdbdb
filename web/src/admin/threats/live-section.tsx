import { Badge } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import type { Texts } from '../../texts/en.ts'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import type { Loaded } from '../../ui/use-load.ts'
import { Actor, type Names, Person, subjectOf, useNames } from '../names.tsx'

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
  const names = useNames(events.flatMap(({ subject, details }) => [subject, subjectOf(byOf(details))]))
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
                    {address !== null && `${address} · `}
                    {times.moment(at)}
                    <Details type={type} details={details} names={names} />
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

type Detail = ThreatEvent['details']

const byOf = ({ by }: Detail) => (typeof by === 'string' ? by : null)

/** What else is known of it: in the reader's words where there are some. */
function Details({ type, details, names }: { type: string; details: Detail; names: Names }) {
  const { threats: texts } = useTexts().admin
  const by = byOf(details)
  return (
    <>
      {describe(type, details, texts).map((fact) => ` · ${fact}`)}
      {by !== null && (
        <>
          {' '}
          · {texts.by} <Actor actor={by} names={names} />
        </>
      )}
    </>
  )
}

function describe(type: string, { by: _, ...details }: Detail, texts: Texts['admin']['threats']): string[] {
  const { reason, known, kind, auto, ...rest } = details
  const reasons: Partial<Record<string, string>> = texts.reasons
  const facts = [
    ...(kind === 'manual' || kind === 'automatic' ? [texts.kinds[kind]] : []),
    ...(auto === true ? [texts.ranOut] : []),
    ...(typeof reason === 'string' ? [(type === 'failed_auth' && reasons[reason]) || reason] : []),
    ...(known === false ? [texts.unknownAccount] : []),
  ]
  const others = Object.entries(rest).map(
    ([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`,
  )
  return [...facts, ...others]
}
