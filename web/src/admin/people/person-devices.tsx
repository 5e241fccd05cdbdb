import { Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { DeviceIcon } from '../../ui/device-icon.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import type { Person } from './person-page.tsx'

interface PersonDevicesProps {
  person: Person
  devices: Answer<'GET /api/admin/users/:id/devices'>['items']
  onChanged(): Promise<void>
}

/** The browsers that somebody need not prove a second factor in. */
export function PersonDevices({ person, devices, onChanged }: PersonDevicesProps) {
  const { security, admin } = useTexts()
  const times = useTimes()
  const { client } = useSession()
  const forget = useAction(async (device: string) => {
    const params = { id: person.id, device }
    await client.call('DELETE /api/admin/users/:id/devices/:device', { params })
    await onChanged()
  })
  return (
    <Section title={admin.person.devices} lead={admin.person.devicesLead}>
      <ProblemAlert error={forget.error} />
      {devices.length === 0 && <Empty>{admin.person.noDevices}</Empty>}
      <ul className="sp-list">
        {devices.map((device) => (
          <Row
            key={device.id}
            icon={<DeviceIcon browser={device.name} />}
            title={security.browser(device.name)}
            detail={[
              security.trustedUntil(times.day(device.expires_at)),
              security.lastUsed(times.ago(device.last_used_at)),
              ...(device.address === null ? [] : [security.from(device.address)]),
            ].join(' · ')}
            actions={
              <Button
                {...{ variant: 'default', size: 'sm' }}
                aria-label={security.forget(security.browser(device.name))}
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
