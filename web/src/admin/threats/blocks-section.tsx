import { Badge, Button, SegmentedControl } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Section } from '../../ui/section.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { usePages } from '../../ui/use-pages.ts'
import { Actor, type Names, subjectOf, useNames } from '../names.tsx'

type Block = Answer<'GET /api/security/blocks'>['items'][number]

interface BlocksSectionProps {
  turn: number
  onBlock(): void
  onChanged(): void
}

/** What is blocked, why, by whom and until when. */
export function BlocksSection({ turn, onBlock, onChanged }: BlocksSectionProps) {
  const { threats: texts } = useTexts().admin
  const { client } = useSession()
  const [which, setWhich] = useState<'current' | 'past'>('current')
  const blocks = usePages(`${which} ${turn}`, (after) =>
    client.call('GET /api/security/blocks', {
      query: {
        limit: 20,
        ...(after !== undefined && { after }),
        ...(which === 'current' && { current: 'true' }),
      },
    }),
  )
  const shown = blocks.status === 'loaded' ? blocks.data : []
  const names = useNames(shown.map(({ blocked_by: by }) => subjectOf(by)))
  const unblock = useAction(async (address: string) => {
    await client.call('POST /api/security/unblock-ip', { body: { ip_address: address } })
    onChanged()
  })
  return (
    <Section
      title={texts.blocks}
      action={
        <Button size="sm" onClick={onBlock}>
          {texts.block}
        </Button>
      }
    >
      <div className="sp-pad">
        <SegmentedControl
          {...{ fullWidth: true, value: which, 'aria-label': texts.blocks }}
          data={(['current', 'past'] as const).map((value) => ({ value, label: texts[value] }))}
          onChange={(value) => setWhich(value as typeof which)}
        />
      </div>
      <ProblemAlert error={unblock.error} />
      <PagesList pages={blocks} empty={texts.noBlocks}>
        {(items) => (
          <ul className="sp-list sp-line">
            {items.map((block) => (
              <BlockRow
                key={block.id}
                {...{ block, names, onUnblock: () => void unblock.run(block.ip_address) }}
              />
            ))}
          </ul>
        )}
      </PagesList>
    </Section>
  )
}

function BlockRow({ block, names, onUnblock }: { block: Block; names: Names; onUnblock(): void }) {
  const { threats: texts } = useTexts().admin
  const times = useTimes()
  const { ip_address: address, kind, reason, blocked_by: by, unblocked_at: ended } = block
  const end =
    ended === null ? texts.until(times.moment(block.blocked_until)) : texts.ended(times.moment(ended))
  return (
    <li className="sp-row">
      <div>
        <div className="sp-row-title">
          <span className="sp-mono">{address}</span>
          <Badge variant="light" tt="none" color={ended === null ? 'red' : 'gray'}>
            {texts.kinds[kind]}
          </Badge>
        </div>
        <div className="sp-row-detail">
          {reason} · {texts.by} <Actor actor={by} names={names} /> · {end}
        </div>
      </div>
      {ended === null && (
        <Button
          {...{ variant: 'default', size: 'sm', 'aria-label': texts.unblockIt(address) }}
          onClick={onUnblock}
        >
          {texts.unblock}
        </Button>
      )}
    </li>
  )
}
