import { Alert, Badge, Button, Checkbox, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { type Answer, ProblemError } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts } from '../../texts/texts.tsx'
import { translateFault } from '../../texts/translate-fault.ts'
import { Section } from '../../ui/section.tsx'
import { useAction } from '../../ui/use-load.ts'
import { DraftProblem } from './draft-problem.tsx'
import { withDraft } from './read-draft.ts'

const gates = ['login', 'service', 'serial']

type Explanation = Answer<'POST /api/admin/policies/explain'>

/** Which rule somebody falls under, and why the others do not apply. */
export function ExplainSection({ draft }: { draft: string }) {
  const { policies: texts } = useTexts().admin
  const { client } = useSession()
  const [asked, setAsked] = useState({ subject: '', ip: '', gate: 'login', byDraft: false })
  const [found, setFound] = useState<Explanation | null>(null)
  const { run, busy, error } = useAction(async () => {
    setFound(null)
    const { subject, ip, gate, byDraft } = asked
    const body = { subject: subject.trim(), gate, ip: ip.trim() || null }
    const ask = (read?: Record<string, unknown>) =>
      client.call('POST /api/admin/policies/explain', { body: { ...body, ...(read && { draft: read }) } })
    setFound(await (byDraft ? withDraft(draft, ask) : ask()))
  })
  const unknown = error instanceof ProblemError && error.code === 'not_found'
  const field = (name: 'subject' | 'ip', label: string, required: boolean) => (
    <TextInput
      {...{ className: 'grow', label, required, withAsterisk: false, maxLength: 254, value: asked[name] }}
      onChange={(event) => setAsked({ ...asked, [name]: event.currentTarget.value })}
    />
  )
  return (
    <Section title={texts.explain} lead={texts.explainLead}>
      <form
        className="sp-pad"
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <div className="sp-filters" style={{ marginTop: 0 }}>
            {field('subject', texts.subject, true)}
            {field('ip', texts.address, false)}
            <NativeSelect
              {...{ className: 'grow', size: 'md', label: texts.gate, data: gates, value: asked.gate }}
              onChange={(event) => setAsked({ ...asked, gate: event.currentTarget.value })}
            />
            <Button type="submit" loading={busy}>
              {texts.explain}
            </Button>
          </div>
          <Checkbox
            {...{ label: texts.byDraft, checked: asked.byDraft }}
            onChange={(event) => setAsked({ ...asked, byDraft: event.currentTarget.checked })}
          />
          {unknown ? (
            <Alert color="red" variant="light" role="alert">
              {texts.nobody}
            </Alert>
          ) : (
            <DraftProblem error={error} />
          )}
        </Stack>
      </form>
      {found && <Found explanation={found} />}
    </Section>
  )
}

function Found({ explanation: { rules, decision } }: { explanation: Explanation }) {
  const { policies: texts } = useTexts().admin
  const action =
    decision.action === 'enrol'
      ? texts.tooFew.enrol
      : (texts.actions[decision.action as keyof typeof texts.actions] ?? decision.action)
  return (
    <div className="sp-line" role="status">
      <div className="sp-pad">
        <Text fw={600}>
          {texts.decision}: {action}
          {decision.steps > 0 && ` · ${texts.steps(decision.steps, decision.steps)}`} · {decision.rule}
        </Text>
        {decision.reasons.map((reason) => (
          <Text key={reason} c="dimmed">
            {translateFault(reason, texts.why)}
          </Text>
        ))}
      </div>
      <ol className="sp-list sp-line">
        {rules.map((rule) => (
          <li key={rule.name} className="sp-row">
            <div>
              <div className="sp-row-title">
                {rule.name}
                <Badge variant="light" tt="none" color={rule.applies ? 'accent' : 'gray'}>
                  {rule.applies ? texts.applies : rule.matches ? texts.matches : texts.not}
                </Badge>
              </div>
              <ul className="sp-conditions">
                {rule.conditions.map(({ name, expected, actual, matched }) => (
                  <li key={name}>
                    {matched ? '✓' : '✗'} {texts.condition(name, expected, actual)}
                  </li>
                ))}
              </ul>
            </div>
          </li>
        ))}
      </ol>
    </div>
  )
}
