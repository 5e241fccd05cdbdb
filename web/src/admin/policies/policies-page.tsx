import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Section } from '../../ui/section.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { useLoad } from '../../ui/use-load.ts'
import { DraftSection } from './draft-section.tsx'
import { ExplainSection } from './explain-section.tsx'
import { firstDraft } from './read-draft.ts'
import { RuleList } from './rule-list.tsx'

/** The login gate's policies: what is in force, why, and what a change would have done. */
export function PoliciesPage() {
  const { admin } = useTexts()
  const { policies: texts } = admin
  const { client } = useSession()
  const loaded = useLoad('', () => client.call('GET /api/admin/policies'))
  const [draft, setDraft] = useState(firstDraft)
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.policies}</PageTitle>
      <Section
        title={texts.inForce}
        {...(loaded.status === 'loaded' && { lead: texts.sources[loaded.data.source] })}
      >
        {loaded.status === 'loading' && <Loading />}
        {loaded.status === 'failed' && <Failed error={loaded.error} onRetry={loaded.reload} />}
        {loaded.status === 'loaded' && <RuleList policies={loaded.data} />}
      </Section>
      <ExplainSection draft={draft} />
      <DraftSection draft={draft} onChange={setDraft} />
    </>
  )
}
