import { Badge, Button, TextInput } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useEffect, useRef, useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { Section } from '../../ui/section.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'

type Checked = Answer<'GET /api/security/check-ip/:ip'>

interface LookUpSectionProps {
  /** Changes when a block was made or lifted. */
  turn: number
  onBlock(address: string): void
}

/** What is known of one address. */
export function LookUpSection({ turn, onBlock }: LookUpSectionProps) {
  const { threats: texts } = useTexts().admin
  const { client } = useSession()
  const [address, setAddress] = useState('')
  const [found, setFound] = useState<Checked | null>(null)
  const { run, busy, error } = useAction(async (ip: string) => {
    setFound(await client.call('GET /api/security/check-ip/:ip', { params: { ip } }))
  })
  const again = useRef(() => {})
  again.current = () => found && void run(found.ip_address)
  useEffect(() => {
    if (turn > 0) again.current()
  }, [turn])
  return (
    <Section title={texts.look}>
      <form
        className="sp-pad sp-filters"
        style={{ marginTop: 0 }}
        onSubmit={(event) => {
          event.preventDefault()
          void run(address.trim())
        }}
      >
        <TextInput
          {...{ className: 'grow', label: texts.address, required: true, withAsterisk: false, maxLength: 64 }}
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={busy}>
          {texts.lookUp}
        </Button>
      </form>
      <ProblemAlert error={error} />
      {found && <Known checked={found} onBlock={onBlock} />}
    </Section>
  )
}

function Known({ checked, onBlock }: { checked: Checked; onBlock(address: string): void }) {
  const { threats: texts } = useTexts().admin
  const times = useTimes()
  const { ip_address: address, is_blocked: blocked, reason, blocked_until: until } = checked
  return (
    <div className="sp-row sp-line" role="status">
      <div>
        <div className="sp-row-title">
          <span className="sp-mono">{address}</span>
          <Badge variant="light" tt="none" color={blocked ? 'red' : 'accent'}>
            {blocked ? texts.isBlocked : texts.isFree}
          </Badge>
        </div>
        <div className="sp-row-detail">
          {[reason, until === null ? null : texts.until(times.moment(until))].filter(Boolean).join(' · ')}
        </div>
        {checked.spared !== null && <div>{texts.spared[checked.spared]}</div>}
        <div>{texts.score(checked.threat_score)}</div>
        <ul className="sp-conditions">
          {checked.score_reasons.map(({ reason: why, points }) => (
            <li key={why}>{texts.points(why, points)}</li>
          ))}
        </ul>
      </div>
      {!blocked && checked.spared === null && (
        <Button
          {...{ variant: 'default', size: 'sm', 'aria-label': texts.blockIt(address) }}
          onClick={() => onBlock(address)}
        >
          {texts.block}
        </Button>
      )}
    </div>
  )
}
