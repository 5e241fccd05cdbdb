import { Badge, TextInput } from '@mantine/core'
import { ProblemError } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'

/** Whether all parts work, and the settings they work with. */
export function SettingsPage() {
  const { admin } = useTexts()
  const texts = admin.settings
  const { client } = useSession()
  const [filter, setFilter] = useState('')
  const settings = useLoad('', () => client.call('GET /api/admin/settings'))
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.settings}</PageTitle>
      <Health />
      <Section
        title={texts.inForce}
        {...(settings.status === 'loaded' && { lead: `${texts.version} ${settings.data.version}` })}
        action={
          <TextInput
            {...{ 'aria-label': texts.filter, placeholder: texts.filter, size: 'sm', type: 'search' }}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
        }
      >
        {settings.status === 'loading' && <Loading />}
        {settings.status === 'failed' && <Failed error={settings.error} onRetry={settings.reload} />}
        {settings.status === 'loaded' && (
          <table className="sp-table">
            <tbody>
              {flatten(settings.data.settings)
                .filter(([name]) => name.includes(filter.trim().toLowerCase()))
                .map(([name, value]) => (
                  <tr key={name}>
                    <td className="sp-mono">{name}</td>
                    <td className="sp-mono">{value ?? texts.notSet}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        )}
      </Section>
    </>
  )
}

function Health() {
  const { settings: texts } = useTexts().admin
  const { client } = useSession()
  const ready = useLoad('', async () => (await client.call('GET /readyz')).checks)
  return (
    <Section title={texts.health}>
      {ready.status === 'loading' && <Loading />}
      {ready.status === 'failed' && <Failed error={ready.error} onRetry={ready.reload} />}
      {/* Which part it is, in the server's own words. */}
      {ready.status === 'failed' && ready.error instanceof ProblemError && (
        <Empty>{ready.error.message}</Empty>
      )}
      {ready.status === 'loaded' && (
        <table className="sp-table">
          <tbody>
            {Object.keys(ready.data).map((part) => (
              <tr key={part}>
                <td>{texts.parts[part as keyof typeof texts.parts] ?? part}</td>
                <td>
                  <Badge variant="light" tt="none">
                    {texts.ok}
                  </Badge>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  )
}

/** Settings as the file's paths name them. */
function flatten(value: unknown, path = ''): [string, string | null][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([name, inner]) =>
      flatten(inner, path === '' ? name : `${path}.${name}`),
    )
  return [[path, value === null || value === undefined ? null : show(path, value)]]
}

/** Settings that are times, which the file writes as `7d`. */
const times =
  /(?:lifetime|within|grace|decay_after|lock_for|_window|_duration|_longest|fresh_for|timeout|_every|keep_events)$/

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const

function show(name: string, value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => show(name, one)).join(', ')}]`
  if (typeof value === 'string') return value
  const unit = units.find(([length]) => typeof value === 'number' && value > 0 && value % length === 0)
  return unit && times.test(name) ? `${(value as number) / unit[0]}${unit[1]}` : JSON.stringify(value)
}
