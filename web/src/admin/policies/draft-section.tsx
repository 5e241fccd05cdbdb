import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { CheckIcon } from '../../ui/icons.tsx'
import { Section } from '../../ui/section.tsx'
import { useAction } from '../../ui/use-load.ts'
import { DraftProblem } from './draft-problem.tsx'
import { withDraft } from './read-draft.ts'
import { type Policies, RuleList } from './rule-list.tsx'

type Report = Answer<'POST /api/admin/policies/replay'>

interface DraftSectionProps {
  draft: string
  onChange(draft: string): void
}

/** A change to try: checked, seen as chains, and replayed over what really happened. */
export function DraftSection({ draft, onChange }: DraftSectionProps) {
  const { policies: texts } = useTexts().admin
  const { client } = useSession()
  const [checked, setChecked] = useState<Policies | null>(null)
  const [report, setReport] = useState<Report | null>(null)
  const check = useAction(async () => {
    setReport(null)
    setChecked(null)
    setChecked(
      await withDraft(draft, (read) =>
        client.call('POST /api/admin/policies/check', { body: { draft: read } }),
      ),
    )
  })
  const replay = useAction(async () => {
    await check.run()
    setReport(
      await withDraft(draft, (read) =>
        client.call('POST /api/admin/policies/replay', { body: { draft: read } }),
      ),
    )
  })
  return (
    <Section title={texts.draft} lead={texts.draftLead}>
      <Stack gap="md" className="sp-pad">
        <Textarea
          {...{ label: texts.draftLabel, value: draft, autosize: true, minRows: 6, maxRows: 24 }}
          {...{ spellCheck: false, classNames: { input: 'sp-mono' } }}
          onChange={(event) => {
            onChange(event.currentTarget.value)
            setChecked(null)
            setReport(null)
            check.clear()
          }}
        />
        <Group>
          <Button variant="default" size="sm" loading={check.busy} onClick={() => void check.run()}>
            {texts.check}
          </Button>
          <Button size="sm" loading={replay.busy} onClick={() => void replay.run()}>
            {texts.replay}
          </Button>
        </Group>
        <DraftProblem error={check.error ?? replay.error} />
        {checked && (
          <Alert variant="light" icon={<CheckIcon />} role="status">
            {texts.valid}
          </Alert>
        )}
      </Stack>
      {checked && <RuleList policies={checked} />}
      {report && <Replayed report={report} />}
      {checked && <HowToForce draft={draft} />}
    </Section>
  )
}

const groups = ['denied', 'stepped_up', 'let_through'] as const

function Replayed({ report }: { report: Report }) {
  const { policies: texts } = useTexts().admin
  const times = useTimes()
  const outcome = ({ action, steps }: { action: string; steps: number }) =>
    action === 'chain' ? texts.steps(steps, steps) : texts.actions[action as 'allow' | 'deny']
  return (
    <section className="sp-pad sp-line" aria-label={texts.replayTitle}>
      <Text fw={600}>{texts.replayTitle}</Text>
      <Text c="dimmed">{texts.replaySummary(report.unchanged, report.total)}</Text>
      {groups
        .filter((group) => report[group].count > 0)
        .map((group) => (
          <div key={group}>
            <Text fw={600} mt="md">
              {texts.groups[group]}: {texts.times(report[group].count)}
            </Text>
            <ul className="sp-conditions">
              {report[group].changes.map((change) => (
                <li key={`${change.subject} ${change.rule} ${change.first_at}`}>
                  <strong>{change.subject}</strong> · {change.rule} ·{' '}
                  {texts.change(outcome(change.from), outcome(change.to))} · {texts.times(change.count)} ·{' '}
                  {times.ago(change.last_at)}
                </li>
              ))}
            </ul>
          </div>
        ))}
    </section>
  )
}

/** Policies come from the configuration: this leads there. */
function HowToForce({ draft }: { draft: string }) {
  const { policies: texts } = useTexts().admin
  const href = `data:application/yaml;charset=utf-8,${encodeURIComponent(draft)}`
  return (
    <Stack gap="sm" align="flex-start" className="sp-pad sp-line">
      <Text fw={600}>{texts.force}</Text>
      <Text>{texts.forceSteps}</Text>
      <code className="sp-once">
        login_policies: ./policies.yaml
        <br />
        sallyport policy check policies.yaml
      </code>
      <Button component="a" variant="default" size="sm" href={href} download="policies.yaml">
        {texts.download}
      </Button>
    </Stack>
  )
}
