import { Badge, Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { KeyIcon } from '../../ui/icons.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { usePages } from '../../ui/use-pages.ts'
import { ConfirmDialog } from '../confirm-dialog.tsx'
import { CreateKeyDialog } from './create-key-dialog.tsx'

type ApiKey = Answer<'GET /api/admin/apikeys'>['items'][number]

/** The keys of applications. */
export function KeysPage() {
  const { admin } = useTexts()
  const texts = admin.keys
  const { client } = useSession()
  const [creating, setCreating] = useState(false)
  const [revoking, setRevoking] = useState<ApiKey | null>(null)
  const keys = usePages('', (after) =>
    client.call('GET /api/admin/apikeys', { query: { limit: 50, ...(after !== undefined && { after }) } }),
  )
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.keys}</PageTitle>
      <Section
        title={admin.nav.keys}
        action={
          <Button size="sm" onClick={() => setCreating(true)}>
            {texts.create}
          </Button>
        }
      >
        <PagesList pages={keys} empty={texts.none}>
          {(items) => (
            <ul className="sp-list">
              {items.map((key) => (
                <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
              ))}
            </ul>
          )}
        </PagesList>
      </Section>
      {creating && (
        <CreateKeyDialog onCreated={() => void keys.reload()} onClose={() => setCreating(false)} />
      )}
      {revoking && (
        <ConfirmDialog
          {...{ title: texts.revokeTitle(revoking.name), lead: texts.revokeLead, danger: true }}
          confirm={texts.revoke}
          onConfirm={async () => {
            await client.call('DELETE /api/admin/apikeys/:id', { params: { id: revoking.id } })
            setRevoking(null)
            await keys.reload()
          }}
          onClose={() => setRevoking(null)}
        />
      )}
    </>
  )
}

function KeyRow({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke(): void }) {
  const { keys: texts } = useTexts().admin
  const times = useTimes()
  const { name, app, scopes, created_at: made, last_used_at: used, revoked_at: revoked } = apiKey
  const facts = [
    ...(revoked === null ? [] : [texts.revoked(times.day(revoked))]),
    ...[app, texts.madeOn(times.day(made)), used === null ? texts.neverUsed : texts.usedAt(times.ago(used))],
  ]
  return (
    <Row
      icon={
        <span className="sp-choice-icon">
          <KeyIcon />
        </span>
      }
      title={
        <>
          {name}
          {scopes.map((scope) => (
            <Badge key={scope} variant="light" tt="none" color={revoked === null ? 'accent' : 'gray'}>
              {scope}
            </Badge>
          ))}
        </>
      }
      detail={facts.join(' · ')}
      actions={
        revoked === null && (
          <Button
            {...{ variant: 'default', size: 'sm', 'aria-label': texts.revokeIt(name) }}
            onClick={onRevoke}
          >
            {texts.revoke}
          </Button>
        )
      }
    />
  )
}
