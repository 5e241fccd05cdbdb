import { Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { LaptopIcon } from '../../ui/icons.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { usePages } from '../../ui/use-pages.ts'
import { CreateKeyDialog } from '../keys/create-key-dialog.tsx'
import { ApplicationDialog } from './application-dialog.tsx'
import { CompaniesSection } from './companies-section.tsx'

export type Application = Answer<'GET /api/admin/applications'>['items'][number]

const mostKeys = 500

/** The programs that have users of their own here. */
export function ApplicationsPage() {
  const { admin } = useTexts()
  const texts = admin.applications
  const { client } = useSession()
  const [editing, setEditing] = useState<Application | 'new' | null>(null)
  const [keyFor, setKeyFor] = useState<string | null>(null)
  const applications = usePages('', (after) =>
    client.call('GET /api/admin/applications', {
      query: { limit: 50, ...(after !== undefined && { after }) },
    }),
  )
  const keys = useLoad('', () => client.call('GET /api/admin/apikeys', { query: { limit: mostKeys } }))
  const keysOf = (name: string) =>
    keys.status === 'loaded'
      ? keys.data.items.filter(({ app, revoked_at: revoked }) => app === name && revoked === null)
      : []
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.applications}</PageTitle>
      <Section
        title={admin.nav.applications}
        action={
          <Button size="sm" onClick={() => setEditing('new')}>
            {texts.create}
          </Button>
        }
      >
        <PagesList pages={applications} empty={texts.none}>
          {(items) => (
            <ul className="sp-list">
              {items.map((one) => (
                <ApplicationRow
                  key={one.name}
                  application={one}
                  keys={keysOf(one.name).map(({ name }) => name)}
                  onChange={() => setEditing(one)}
                  onKey={() => setKeyFor(one.name)}
                />
              ))}
            </ul>
          )}
        </PagesList>
      </Section>
      <CompaniesSection />
      {editing !== null && (
        <ApplicationDialog
          application={editing === 'new' ? null : editing}
          onDone={() => {
            setEditing(null)
            void applications.reload()
          }}
          onClose={() => setEditing(null)}
        />
      )}
      {keyFor !== null && (
        <CreateKeyDialog app={keyFor} onCreated={() => void keys.reload()} onClose={() => setKeyFor(null)} />
      )}
    </>
  )
}

interface ApplicationRowProps {
  application: Application
  /** The names of its keys in force. */
  keys: readonly string[]
  onChange(): void
  onKey(): void
}

function ApplicationRow({ application, keys, onChange, onKey }: ApplicationRowProps) {
  const { applications: texts } = useTexts().admin
  const { name, issuer, rp_id: rpId, origins } = application
  const held = keys.length === 0 ? texts.keys(0) : `${texts.keys(keys.length)}: ${keys.join(', ')}`
  return (
    <Row
      icon={
        <span className="sp-choice-icon">
          <LaptopIcon />
        </span>
      }
      title={name}
      detail={[issuer, rpId, origins.join(' '), held].filter(Boolean).join(' · ')}
      actions={
        <>
          <Button {...{ variant: 'default', size: 'sm', 'aria-label': texts.newKeyOf(name) }} onClick={onKey}>
            {texts.newKey}
          </Button>
          <Button
            {...{ variant: 'default', size: 'sm', 'aria-label': texts.changeIt(name) }}
            onClick={onChange}
          >
            {texts.change}
          </Button>
        </>
      }
    />
  )
}
