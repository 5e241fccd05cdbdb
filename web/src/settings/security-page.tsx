import { Alert, Badge, Button } from '@mantine/core'
import { useState } from 'react'
import { offers } from '../session/offers.ts'
import { useSession } from '../session/session.tsx'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { AlertIcon, ShieldIcon } from '../ui/icons.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { Failed, Loading } from '../ui/states.tsx'
import { useLoad } from '../ui/use-load.ts'
import { ActivitySection } from './activity-section.tsx'
import { BackupSection } from './backup-section.tsx'
import { DevicesSection } from './devices-section.tsx'
import { FactorsSection } from './factors-section.tsx'
import { PasswordSection } from './password-section.tsx'
import { SessionsSection } from './sessions-section.tsx'
import { SetupDialog } from './setup-dialog.tsx'
import type { Status } from './status.ts'
import { TurnOffDialog } from './turn-off-dialog.tsx'

/** A person's own security: factors, backup codes, password, and where they are signed in. */
export function SecurityPage() {
  const { security } = useTexts()
  const { client } = useSession()
  const status = useLoad('', () => client.call('GET /auth/mfa/status'))
  const [open, setOpen] = useState<'setup' | 'off' | null>(null)
  const [turn, setTurn] = useState(0)
  const changed = async () => {
    setTurn((now) => now + 1)
    await status.reload()
  }
  const close = async () => {
    setOpen(null)
    await changed()
  }
  return (
    <>
      <PageTitle lead={security.lead}>{security.title}</PageTitle>
      {status.status === 'loading' && <Loading />}
      {status.status === 'failed' && <Failed error={status.error} onRetry={status.reload} />}
      {status.status === 'loaded' && (
        <>
          <State status={status.data} onTurnOff={() => setOpen('off')} onAdd={() => setOpen('setup')} />
          <FactorsSection status={status.data} onAdd={() => setOpen('setup')} onChanged={changed} />
          {offers('backup') && status.data.enabled && (
            <BackupSection status={status.data} onChanged={changed} />
          )}
        </>
      )}
      <SessionsSection onChanged={changed} />
      <DevicesSection onChanged={changed} />
      <PasswordSection onChanged={changed} />
      <ActivitySection turn={turn} />
      {open === 'setup' && status.status === 'loaded' && (
        <SetupDialog status={status.data} onClose={() => void close()} />
      )}
      {open === 'off' && status.status === 'loaded' && (
        <TurnOffDialog status={status.data} onClose={() => void close()} />
      )}
    </>
  )
}

/** Whether it is on, and what is demanded. */
function State({ status, onTurnOff, onAdd }: { status: Status; onTurnOff(): void; onAdd(): void }) {
  const { security } = useTexts()
  const times = useTimes()
  const { enabled, required, grace_until: grace } = status
  return (
    <>
      {!enabled && grace !== null && (
        <Alert color="orange" variant="light" icon={<AlertIcon />} mt="lg">
          {security.grace(times.day(grace))}
        </Alert>
      )}
      <div className="sp-surface sp-state">
        <div className="sp-row-text">
          <span className={`sp-choice-icon${enabled ? ' sp-on' : ''}`}>
            <ShieldIcon />
          </span>
          <div>
            <div className="sp-row-title">
              {enabled ? security.on : security.off}
              {required && (
                <Badge variant="light" tt="none">
                  {security.required}
                </Badge>
              )}
            </div>
            <div className="sp-row-detail">{enabled ? security.onLead : security.offLead}</div>
          </div>
        </div>
        {!enabled && <Button onClick={onAdd}>{security.turnOn}</Button>}
        {enabled && !required && (
          <Button variant="default" size="sm" onClick={onTurnOff}>
            {security.turnOff}
          </Button>
        )}
      </div>
    </>
  )
}
