import { Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { Link } from 'wouter'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { PersonIcon } from '../../ui/icons.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { FiguresChart } from '../figures-chart.tsx'
import { Stat } from '../stat.tsx'
import { useLocks } from '../use-locks.ts'

type Overview = Answer<'GET /api/admin/overview'>

/** How the installation stands. */
export function OverviewPage() {
  const { admin } = useTexts()
  const { client } = useSession()
  const loaded = useLoad('', () => client.call('GET /api/admin/overview'))
  const locked = loaded.status === 'loaded' ? loaded.data.locked : []
  useLocks(() => void loaded.reload(), soonestEnd(locked))
  return (
    <>
      <PageTitle lead={admin.overview.lead}>{admin.nav.overview}</PageTitle>
      {loaded.status === 'loading' && <Loading />}
      {loaded.status === 'failed' && <Failed error={loaded.error} onRetry={loaded.reload} />}
      {loaded.status === 'loaded' && <Figures overview={loaded.data} />}
    </>
  )
}

function Figures({ overview }: { overview: Overview }) {
  const { admin } = useTexts()
  const times = useTimes()
  const texts = admin.overview
  const { users, enrolled, locked } = overview
  const share = users === 0 ? '–' : `${Math.round((100 * enrolled) / users)} %`
  return (
    <>
      <dl className="sp-stats">
        <Stat name={admin.people.states.enrolled} figure={share} hint={texts.ofPeople(enrolled, users)} />
        <Stat name={texts.inGrace} figure={overview.in_grace} hint={texts.graceHint} />
        <Stat name={texts.mustEnrol} figure={overview.must_enrol} hint={texts.mustEnrolHint} />
        <Stat name={texts.locked} figure={locked.length} hint={texts.lockedHint} />
        <Stat name={texts.blocked} figure={overview.blocked_addresses} hint={texts.blockedHint} />
      </dl>
      <Charts overview={overview} />
      <div className="sp-two">
        <PeopleSection
          title={texts.graceEnding}
          none={texts.nobodyInGrace}
          people={overview.grace_ending.map((one) => ({
            ...one,
            detail: texts.graceUntil(times.moment(one.grace_until)),
          }))}
        />
        <PeopleSection
          title={texts.lockedPeople}
          none={texts.nobodyLocked}
          people={locked.map((one) => ({
            ...one,
            detail:
              one.locked_until === null
                ? texts.lockedForGood
                : texts.lockedUntil(times.moment(one.locked_until)),
          }))}
        />
      </div>
      <Roles roles={overview.roles} />
    </>
  )
}

function Charts({ overview }: { overview: Overview }) {
  const { overview: texts } = useTexts().admin
  const times = useTimes()
  const { enrolled_by_day: days, hours } = overview
  const sum = (what: 'signed_in' | 'failed') => hours.reduce((total, hour) => total + hour[what], 0)
  return (
    <div className="sp-two">
      <Section title={texts.adoption} lead={texts.adoptionLead}>
        <FiguresChart
          kind="area"
          summary={texts.adoptionSummary(days.at(0)?.enrolled ?? 0, days.at(-1)?.enrolled ?? 0)}
          rows={days.map(({ day, enrolled }) => ({ at: times.day(`${day}T12:00:00`), enrolled }))}
          series={[{ name: 'enrolled', label: texts.protected, color: 'accent.6' }]}
        />
      </Section>
      <Section title={texts.signIns} lead={texts.signInsLead}>
        <FiguresChart
          kind="bar"
          summary={texts.signInsSummary(sum('signed_in'), sum('failed'))}
          rows={hours.map(({ hour, signed_in, failed }) => ({ at: times.clock(hour), signed_in, failed }))}
          series={[
            { name: 'signed_in', label: texts.signedIn, color: 'accent.6' },
            { name: 'failed', label: texts.failed, color: 'red.6' },
          ]}
        />
      </Section>
    </div>
  )
}

/** When the first of the locks ends by itself. */
function soonestEnd(locked: Overview['locked']): string | null {
  return (
    locked.map(({ locked_until: until }) => until).sort((a, b) => ((a ?? '~') < (b ?? '~') ? -1 : 1))[0] ??
    null
  )
}

interface PeopleSectionProps {
  title: string
  none: string
  people: { id: string; name: string; email: string | null; detail: string }[]
}

function PeopleSection({ title, none, people }: PeopleSectionProps) {
  return (
    <Section title={title}>
      {people.length === 0 && <Empty>{none}</Empty>}
      <ul className="sp-list">
        {people.map(({ id, name, email, detail }) => (
          <Row
            key={id}
            icon={
              <span className="sp-choice-icon">
                <PersonIcon />
              </span>
            }
            title={
              <Link href={`/admin/people/${id}`} className="sp-person">
                {email ?? name}
              </Link>
            }
            detail={detail}
          />
        ))}
      </ul>
    </Section>
  )
}

function Roles({ roles }: { roles: Overview['roles'] }) {
  const { admin } = useTexts()
  const texts = admin.overview
  return (
    <Section
      title={texts.byRole}
      action={
        <Button {...{ component: Link, href: '/admin/people', variant: 'light', size: 'sm' }}>
          {admin.person.back}
        </Button>
      }
    >
      <table className="sp-table">
        <thead>
          <tr>
            <th>{texts.role}</th>
            <th>{texts.demanded}</th>
            <th>{texts.protected}</th>
          </tr>
        </thead>
        <tbody>
          {roles.map(({ name, required, users, enrolled }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{required ? texts.required : texts.optional}</td>
              <td>
                {texts.ofPeople(enrolled, users)}
                <div className="sp-bar">
                  <span style={{ width: `${(100 * enrolled) / Math.max(1, users)}%` }} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  )
}
