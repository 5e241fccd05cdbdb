import { Button } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useTexts } from '../../texts/texts.tsx'
import { Section } from '../../ui/section.tsx'
import { Empty } from '../../ui/states.tsx'

interface TopAddressesProps {
  addresses: Answer<'GET /api/security/threat-summary'>['top_ips']
  onBlock(address: string): void
}

/** As many as stand beside the chart. */
const mostShown = 6

export function TopAddresses({ addresses, onBlock }: TopAddressesProps) {
  const { threats: texts } = useTexts().admin
  return (
    <Section title={texts.topAddresses} lead={texts.last24}>
      {addresses.length === 0 && <Empty>{texts.noAddresses}</Empty>}
      <ul className="sp-list sp-compact">
        {addresses.slice(0, mostShown).map(({ ip_address: address, events, spared }) => (
          <li key={address} className="sp-row">
            <div>
              <span className="sp-mono">{address}</span>
              <div className="sp-row-detail">
                {[texts.events(events), spared === null ? '' : texts.sparedShort[spared]]
                  .filter(Boolean)
                  .join(' · ')}
              </div>
            </div>
            {spared === null && (
              <Button
                {...{ variant: 'default', size: 'xs', 'aria-label': texts.blockIt(address) }}
                onClick={() => onBlock(address)}
              >
                {texts.block}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  )
}
