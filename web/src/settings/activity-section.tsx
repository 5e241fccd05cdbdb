import type { Answer } from '@sallyport/sdk'
import type { ReactNode } from 'react'
import { useSession } from '../session/session.tsx'
import type { Texts } from '../texts/en.ts'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { DeviceIcon } from '../ui/device-icon.tsx'
import { AlertIcon, ShieldIcon } from '../ui/icons.tsx'
import { MethodIcon } from '../ui/method-icon.tsx'
import { PagesList } from '../ui/pages-list.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { usePages } from '../ui/use-pages.ts'

type Activity = Answer<'GET /auth/activity'>['items'][number]

const atOnce = 8

/** What somebody should look at twice. */
const alarming = new Set<Activity['type']>([
  'attempt.denied',
  'attempt.step_failed',
  'device.token_reused',
  'enrolment.locked',
  'factors.reset',
  'password.refused',
  'password.throttled',
  'session.refresh_reused',
  'subject.locked',
])

/**
 * What happened to the account lately, so that its owner notices what somebody else did. `turn` changes with
 * what the page does to the account itself.
 */
export function ActivitySection({ turn }: { turn: number }) {
  const { activity: texts } = useTexts().security
  const { client } = useSession()
  const pages = usePages(String(turn), (after) =>
    client.call('GET /auth/activity', { query: { limit: atOnce, ...(after !== undefined && { after }) } }),
  )
  return (
    <Section title={texts.title} lead={texts.lead}>
      <PagesList pages={pages} empty={texts.none}>
        {(items) => (
          <ul className="sp-list">
            {items.map((item) => (
              <ActivityRow key={item.id} item={item} />
            ))}
          </ul>
        )}
      </PagesList>
    </Section>
  )
}

function ActivityRow({ item }: { item: Activity }) {
  const texts = useTexts()
  const { activity } = texts.security
  const times = useTimes()
  const browser = item.browser === null ? null : texts.security.browser(item.browser)
  const facts = [times.moment(item.at), browser, item.address]
  if (item.by_administrator) facts.push(activity.byAdministrator)
  const what = whatOf(item, texts)
  return (
    <Row
      icon={iconOf(item)}
      title={what === '' ? activity.types[item.type] : `${activity.types[item.type]}: ${what}`}
      detail={facts.filter(Boolean).join(' · ')}
    />
  )
}

/** What it was done with, or to. A sign-in says how it was proved. */
function whatOf({ type, factors, purpose }: Activity, { methods, security }: Texts): string {
  const purposes: Partial<Record<string, string>> = security.activity.purposes
  if (type.startsWith('ticket.')) return purposes[purpose ?? ''] ?? ''
  return factors
    .map((factor) => (factor === 'password' ? security.password : methods[factor].name))
    .join(', ')
}

function iconOf({ type, factors, browser }: Activity): ReactNode {
  if (alarming.has(type))
    return (
      <span className="sp-choice-icon sp-alarming">
        <AlertIcon />
      </span>
    )
  if (type === 'session.opened' || type === 'device.trusted') return <DeviceIcon browser={browser ?? ''} />
  const [factor] = factors
  if (type === 'password.set') return <MethodIcon method="password" />
  if (factor !== undefined) return <MethodIcon method={factor} />
  return (
    <span className="sp-choice-icon">
      <ShieldIcon />
    </span>
  )
}
