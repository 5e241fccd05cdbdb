import { ActionIcon } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { BinIcon } from '../../ui/icons.tsx'
import { MethodIcon } from '../../ui/method-icon.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty } from '../../ui/states.tsx'
import { ConfirmDialog } from '../confirm-dialog.tsx'
import type { Person } from './person-page.tsx'

type Factor = Answer<'GET /api/admin/users/:id/factors'>['items'][number]

interface PersonFactorsProps {
  person: Person
  factors: Factor[]
  isSelf: boolean
  onChanged(): Promise<void>
}

/** Every factor that somebody has or had. */
export function PersonFactors({ person, factors, isSelf, onChanged }: PersonFactorsProps) {
  const { person: texts } = useTexts().admin
  const { security } = useTexts()
  const { client } = useSession()
  const times = useTimes()
  const [removing, setRemoving] = useState<Factor | null>(null)
  const detail = (factor: Factor) => {
    if (factor.status === 'pending') return texts.pending
    const { revoked_at: revoked, enrolled_at: added, last_used_at: used } = factor
    const facts = [
      ...(added === null ? [] : [security.added(times.day(added))]),
      used === null ? security.neverUsed : security.lastUsed(times.ago(used)),
      ...(revoked === null ? [] : [texts.revoked(times.day(revoked))]),
    ]
    return facts.join(' · ')
  }
  const shown = factors.filter(({ type }) => type !== 'backup')
  const codes = person.backup_codes_remaining
  return (
    <Section title={texts.factors} {...(codes > 0 && { lead: texts.codesLeft(codes) })}>
      {shown.length === 0 && <Empty>{texts.noFactors}</Empty>}
      <ul className="sp-list">
        {shown.map((factor) => (
          <Row
            key={factor.id}
            icon={<MethodIcon method={factor.type} />}
            title={factor.name}
            detail={detail(factor)}
            actions={
              !isSelf &&
              factor.status === 'active' && (
                <ActionIcon
                  {...{ variant: 'subtle', color: 'red', size: 'lg' }}
                  aria-label={texts.remove(factor.name)}
                  onClick={() => setRemoving(factor)}
                >
                  <BinIcon size={18} />
                </ActionIcon>
              )
            }
          />
        ))}
      </ul>
      {removing && (
        <ConfirmDialog
          {...{ title: texts.removeTitle(removing.name), lead: texts.removeLead, danger: true }}
          confirm={texts.remove(removing.name)}
          onConfirm={async () => {
            const params = { id: person.id, factor: removing.id }
            await client.call('DELETE /api/admin/users/:id/factors/:factor', { params })
            setRemoving(null)
            await onChanged()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </Section>
  )
}
