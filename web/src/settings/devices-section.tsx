import { Badge, Button } from '@mantine/core'
import { useSession } from '../session/session.tsx'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { DeviceIcon } from '../ui/device-icon.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction, useLoad } from '../ui/use-load.ts'

/** The browsers that are not asked for a second factor; nothing where there are none. */
export function DevicesSection({ onChanged }: { onChanged(): Promise<void> }) {
  const { security } = useTexts()
  const times = useTimes()
  const { client } = useSession()
  const loaded = useLoad('', () => client.call('GET /auth/devices'))
  const forget = useAction(async (id: string) => {
    await client.call('DELETE /auth/devices/:id', { params: { id } })
    await loaded.reload()
    void onChanged()
  })
  if (loaded.status === 'failed') return <ProblemAlert error={loaded.error} />
  if (loaded.status === 'loading' || loaded.data.devices.length === 0) return null
  return (
    <Section title={security.devices} lead={security.devicesLead}>
      <ProblemAlert error={forget.error} />
      <ul className="sp-list">
        {loaded.data.devices.map((device) => (
          <Row
            key={device.id}
            icon={<DeviceIcon browser={device.name} />}
            title={
              <>
                {security.browser(device.name)}
                {device.current && (
                  <Badge variant="light" tt="none">
                    {security.thisDevice}
                  </Badge>
                )}
              </>
            }
            detail={[
              security.trustedUntil(times.day(device.expires_at)),
              security.lastUsed(times.ago(device.last_used_at)),
            ].join(' · ')}
            actions={
              <Button
                {...{
                  variant: 'default',
                  size: 'sm',
                  'aria-label': security.forget(security.browser(device.name)),
                }}
                onClick={() => void forget.run(device.id)}
              >
                {security.forgetIt}
              </Button>
            }
          />
        ))}
      </ul>
    </Section>
  )
}
