import { Alert, Button, Group, TextInput } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { AlertIcon, CheckIcon, DownloadIcon } from '../../ui/icons.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Section } from '../../ui/section.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { usePages } from '../../ui/use-pages.ts'
import { Actor, Person, subjectOf, useNames } from '../names.tsx'
import { inWords } from './in-words.ts'

type Entry = Answer<'GET /api/admin/ledger'>['items'][number]
type Verdict = Answer<'POST /api/admin/ledger/verify'>

const nothing = { type: '', subject: '', since: '', until: '' }

/** The ledger: searched, verified, taken along. */
export function LedgerPage() {
  const { admin } = useTexts()
  const texts = admin.ledger
  const { client } = useSession()
  const [typed, setTyped] = useState(nothing)
  const [sought, setSought] = useState(nothing)
  const entries = usePages(JSON.stringify(sought), (after) => {
    const { type, subject, since, until } = sought
    const query = {
      ...{ limit: 50, ...(after !== undefined && { after }) },
      ...(type !== '' && { type }),
      ...(subject !== '' && { subject }),
      ...(since !== '' && { since: new Date(since).toISOString() }),
      ...(until !== '' && { until: new Date(until).toISOString() }),
    }
    return client.call('GET /api/admin/ledger', { query })
  })
  const field = (name: keyof typeof nothing, type: string) => (
    <TextInput
      {...{ className: 'grow', label: texts[name], type, maxLength: 128, value: typed[name] }}
      onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
    />
  )
  return (
    <>
      <PageTitle lead={texts.lead}>{admin.nav.ledger}</PageTitle>
      <Evidence />
      <search>
        <form
          className="sp-filters even"
          onSubmit={(event) => {
            event.preventDefault()
            setSought({ ...typed, type: typed.type.trim(), subject: typed.subject.trim() })
          }}
        >
          {field('type', 'text')}
          {field('subject', 'text')}
          {field('since', 'datetime-local')}
          {field('until', 'datetime-local')}
          <Button type="submit">{texts.search}</Button>
        </form>
      </search>
      <Section title={texts.entries}>
        <PagesList pages={entries} empty={texts.none}>
          {(items) => <Entries entries={items} />}
        </PagesList>
      </Section>
    </>
  )
}

/** Whether it is as it was written; and a copy to check elsewhere. */
function Evidence() {
  const { ledger: texts } = useTexts().admin
  const { client } = useSession()
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const verify = useAction(async () => setVerdict(await client.call('POST /api/admin/ledger/verify')))
  const take = useAction(async () => {
    // The browser itself fetches the file: the session has to be good by then.
    await client.call('GET /auth/me')
    location.assign('/api/admin/ledger/export')
  })
  return (
    <>
      <Group mt="lg">
        <Button size="sm" loading={verify.busy} onClick={() => void verify.run()}>
          {texts.verify}
        </Button>
        <Button
          {...{ variant: 'default', size: 'sm', leftSection: <DownloadIcon size={16} />, loading: take.busy }}
          onClick={() => void take.run()}
        >
          {texts.export}
        </Button>
      </Group>
      <ProblemAlert error={verify.error ?? take.error} />
      {verdict && (
        <Alert
          {...{ variant: 'light', mt: 'md', role: 'status', title: texts.verdicts[verdict.status] }}
          color={verdict.status === 'clean' ? 'accent' : 'red'}
          icon={verdict.status === 'clean' ? <CheckIcon /> : <AlertIcon />}
        >
          {texts.verdict(verdict.entries, verdict.signed_through)}
          {verdict.first_bad && <div>{texts.firstBad(verdict.first_bad.seq, verdict.first_bad.message)}</div>}
        </Alert>
      )}
    </>
  )
}

function Entries({ entries }: { entries: Entry[] }) {
  const { ledger: texts } = useTexts().admin
  const times = useTimes()
  const names = useNames(entries.flatMap(({ subject, actor }) => [subject, subjectOf(actor)]))
  return (
    <table className="sp-table">
      <thead>
        <tr>
          <th>{texts.when}</th>
          <th>{texts.type}</th>
          <th>{texts.subject}</th>
          <th>{texts.data}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ seq, at, type, subject, actor, data }) => (
          <tr key={seq}>
            <td className="number" data-label={texts.when}>
              {times.moment(at)}
              <div className="sp-small">{texts.number(seq)}</div>
            </td>
            <td className="number" data-label={texts.type}>
              {type}
            </td>
            <td className="sp-who" data-label={texts.subject}>
              {subject === null ? texts.nobody : <Person id={subject} names={names} />}
              {actor !== null && (
                <div className="sp-small">
                  {texts.by} <Actor actor={actor} names={names} />
                </div>
              )}
            </td>
            <td data-label={texts.data}>
              <dl className="sp-data">
                {Object.entries(data).map(([name, value]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{inWords(value, times.moment)}</dd>
                  </div>
                ))}
              </dl>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
