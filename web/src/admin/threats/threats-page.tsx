import { useCallback, useEffect, useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Section } from '../../ui/section.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { followEvents } from '../event-feed.ts'
import { FiguresChart } from '../figures-chart.tsx'
import { Stat } from '../stat.tsx'
import { BlockDialog } from './block-dialog.tsx'
import { BlocksSection } from './blocks-section.tsx'
import { CategorySection } from './category-section.tsx'
import { LiveSection, type ThreatEvent } from './live-section.tsx'
import { LookUpSection } from './look-up-section.tsx'
import { TopAddresses } from './top-addresses.tsx'

const mostShown = 200

/** What attacks, live, and what is done about it. */
export function ThreatsPage() {
  const { admin } = useTexts()
  const [blocking, setBlocking] = useState<string | null>(null)
  const [turn, setTurn] = useState(0)
  const feed = useEvents()
  return (
    <>
      <PageTitle lead={admin.threats.lead}>{admin.nav.threats}</PageTitle>
      <Summary turn={turn} onBlock={setBlocking} />
      <div className="sp-two">
        <LiveSection {...feed} />
        <BlocksSection turn={turn} onBlock={() => setBlocking('')} onChanged={() => setTurn(turn + 1)} />
      </div>
      <div className="sp-two">
        <LookUpSection turn={turn} onBlock={setBlocking} />
        <CategorySection events={feed.events} />
      </div>
      {blocking !== null && (
        <BlockDialog
          address={blocking}
          onBlocked={() => {
            setBlocking(null)
            setTurn(turn + 1)
          }}
          onClose={() => setBlocking(null)}
        />
      )}
    </>
  )
}

/** The latest events, and each further one as it happens. */
function useEvents() {
  const { client } = useSession()
  const latest = useLoad('', () => client.call('GET /api/security/events', { query: { limit: 50 } }))
  const [fresh, setFresh] = useState<ThreatEvent[]>([])
  const [listening, setListening] = useState(false)
  const begun = latest.status === 'loaded' ? latest.data.items : null
  const add = useCallback((event: ThreatEvent) => {
    setFresh((now) => (now.some(({ id }) => id === event.id) ? now : [event, ...now].slice(0, mostShown)))
  }, [])
  useEffect(() => {
    if (begun === null) return
    const controller = new AbortController()
    const after = begun[0]?.id ?? 0
    void followEvents<ThreatEvent>({
      ...{ client, path: '/api/security/events/stream', signal: controller.signal, after, onEvent: add },
      onState: (on) => !controller.signal.aborted && setListening(on),
    })
    return () => controller.abort()
  }, [begun, client, add])
  return { latest, events: [...fresh, ...(begun ?? [])].slice(0, mostShown), listening }
}

const hour = 3_600_000

/** The last 24, whether anything happened in them or not. */
function lastHours(): number[] {
  const now = Math.floor(Date.now() / hour) * hour
  return Array.from({ length: 24 }, (_, index) => now - (23 - index) * hour)
}

function Summary({ turn, onBlock }: { turn: number; onBlock(address: string): void }) {
  const { threats: texts } = useTexts().admin
  const times = useTimes()
  const { client } = useSession()
  const loaded = useLoad(String(turn), () => client.call('GET /api/security/threat-summary', { query: {} }))
  if (loaded.status === 'loading') return <Loading />
  if (loaded.status === 'failed') return <Failed error={loaded.error} onRetry={loaded.reload} />
  const { data } = loaded
  const rows = lastHours().map((hour) => {
    const found = data.by_hour.find((one) => Date.parse(one.hour) === hour)
    const { failed_auths = 0, suspicious_patterns = 0, total_events = 0 } = found ?? {}
    const other = total_events - failed_auths - suspicious_patterns
    return { at: times.clock(new Date(hour)), failed_auths, suspicious_patterns, other }
  })
  return (
    <>
      <dl className="sp-stats">
        <Stat name={texts.failedAuths} figure={data.failed_auths} hint={texts.last24} />
        <Stat name={texts.suspicious} figure={data.suspicious_patterns} hint={texts.last24} />
        <Stat name={texts.newBlocks} figure={data.blocked_ips} hint={texts.last24} />
        <Stat name={texts.total} figure={data.total_events} hint={texts.last24} />
      </dl>
      <div className="sp-two">
        <Section title={texts.byHour} lead={texts.last24}>
          <FiguresChart
            kind="bar"
            summary={texts.summary(data.total_events)}
            rows={rows}
            series={[
              { name: 'failed_auths', label: texts.failedAuths, color: 'red.6' },
              { name: 'suspicious_patterns', label: texts.suspicious, color: 'orange.6' },
              { name: 'other', label: texts.other, color: 'gray.5' },
            ]}
          />
        </Section>
        <TopAddresses addresses={data.top_ips} onBlock={onBlock} />
      </div>
    </>
  )
}
